"""The scripts that install a browser and Java, or say how to get them."""

import os
import shutil
import subprocess

import pytest

from tests.conftest import ROOT

TOOLS = os.path.join(ROOT, "tools")

# What each script sees to, and the packages of Debian that bring it.
SEEN_TO = {"get_browser.sh": (["chromium", "chromedriver"], "chromium chromium-driver"),
           "get_java.sh": (["java"], "default-jre-headless")}


def see_to(folder, script, user):
    """Runs a script of tools/ as root ("0") or another user, with an apt-get that works."""
    for name, text in (("id", "echo " + user), ("apt-get", 'touch "$0.asked"\n'
                       '[ "$1" = update ] || for name in {}; do\n'
                       'printf "#!/bin/sh\\n" > "${{0%/*}}/$name"; chmod +x "${{0%/*}}/$name"; '
                       'done'.format(" ".join(SEEN_TO[script][0])))):
        (folder / name).write_text("#!/bin/sh\n" + text + "\n")
        (folder / name).chmod(0o755)
    for tool in ("env", "touch", "chmod"):
        (folder / tool).symlink_to(shutil.which(tool))
    return subprocess.run(["/bin/sh", os.path.join(TOOLS, script)],
                          env={"PATH": str(folder)}, capture_output=True,
                          universal_newlines=True, check=False)


@pytest.mark.parametrize("script", SEEN_TO)
def test_browser_and_java_are_installed_where_this_user_may(tmp_path, script):
    assert see_to(tmp_path, script, "0").returncode == 0
    assert all((tmp_path / name).exists() for name in SEEN_TO[script][0])


@pytest.mark.parametrize("script", SEEN_TO)
def test_elsewhere_one_line_says_how_to_get_browser_and_java(tmp_path, script):
    done = see_to(tmp_path, script, "1000")
    assert done.returncode == 1
    message, = done.stderr.splitlines()
    assert "apt-get install " + SEEN_TO[script][1] in message
    assert not (tmp_path / "apt-get.asked").exists()
