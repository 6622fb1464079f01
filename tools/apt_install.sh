# Sourced by scripts in this folder: installs packages where this user may, by apt as root or with a
# sudo that asks no password.

apt_install() {  # what they are for, packages...
    what_for=$1
    shift
    as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
        echo "make: installing $* with apt, for $what_for" >&2
        $as_root apt-get update -qq >&2
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq \
            --no-install-recommends "$@" >/dev/null
    fi
}
