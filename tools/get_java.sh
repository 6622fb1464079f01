#!/bin/sh
# Sees to a Java runtime, which Spark needs: installs one where this user may (apt, as root or with a
# sudo that asks no password). Fails with one line where it is missing.

has_java() {
    [ -x "${JAVA_HOME:+$JAVA_HOME/bin/java}" ] || command -v java >/dev/null
}

has_java && exit 0
. "${0%/*}/apt_install.sh"
apt_install Spark default-jre-headless
has_java && exit 0
echo "make: there is no Java, which Spark needs: install a runtime of version 8, 11 or 17 (Debian and Ubuntu: sudo apt-get install default-jre-headless; macOS: brew install openjdk@17) and run this again" >&2
exit 1
