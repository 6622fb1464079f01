#!/bin/sh
# Sees to chromium and its driver, in which the pages are tested: installs them where this user may
# (apt, as root or with a sudo that asks no password). Fails with one line where they are missing.

has_browser() {
    command -v chromedriver >/dev/null && {
        command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null
}

has_browser && exit 0
. "${0%/*}/apt_install.sh"
apt_install "the tests of the pages" chromium chromium-driver
has_browser && exit 0
echo "make: there is no chromium with its chromedriver, in which the pages are tested: install both (Debian and Ubuntu: sudo apt-get install chromium chromium-driver; macOS: brew install --cask chromium chromedriver) and run make test again" >&2
exit 1
