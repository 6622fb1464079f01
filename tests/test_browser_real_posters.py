"""Posters of another host in a real browser: those that come, those that do not."""

import pytest

from tests.browser import watched
from tests.image_server import image_server
from tests.served import running
from tests.worlds import row, write_index

POSTERS = {1: "/asked.png", 2: "/comes.png", 3: "/gone.png", 4: "/slow.png", 5: ""}
N_FILMS = 60  # far more than a screen shows
RED = [1, 0, 0]


@pytest.fixture(scope="module")
def images():
    with image_server() as server:
        yield server


@pytest.fixture(scope="module")
def address(tmp_path_factory, images):
    index = write_index(tmp_path_factory.mktemp("posters"), [
        row(n, "Film {}".format(n), poster_path=POSTERS.get(n, "/{}.png".format(n)))
        for n in range(1, N_FILMS + 1)], with_map=True)
    with running("--index", index, "--posters", images.address + "/t", "--port", 0) as server:
        yield "http://127.0.0.1:{}".format(server.port)


@pytest.fixture()
def page(driver, address, images):
    images.asked.clear()
    yield from watched(driver, address, images.address)


def picture(page, movie_id):
    """The picture on the card of a film, scrolled into sight."""
    found = page.one(".card[data-id='{}'] .picture".format(movie_id))
    page.run("arguments[0].scrollIntoView({ block: 'center' })", found)
    return found


def has_image(page, movie_id):
    """True if the card shows an image that came, over the drawn picture."""
    return page.run("(img => Boolean(img?.naturalWidth))(arguments[0].querySelector('img'))",
                    picture(page, movie_id))


def colour(page, movie_id):
    """The colour in the middle of the picture of a film."""
    box = page.run("arguments[0].getBoundingClientRect().toJSON()", picture(page, movie_id))
    page.painted()
    return page.pixel(box["left"] + box["width"] / 2, box["top"] + box["height"] / 2)[:3]


def test_a_poster_that_comes_covers_the_drawn_picture_and_others_leave_it(page, images):
    page.media(prefers_reduced_motion="reduce")
    page.open("/?id=1&k={}".format(N_FILMS - 1))
    page.wait(lambda: has_image(page, 2), "an image")
    assert colour(page, 2) == RED
    picture(page, 3)
    page.wait(lambda: "/t/gone.png" in images.asked, "the one that is gone is asked for")
    page.wait(lambda: not page.all(".card[data-id='3'] img"), "no broken image")
    picture(page, 4)
    page.wait(lambda: "/t/slow.png" in images.asked, "the one that never comes is asked for")
    assert page.all(".card[data-id='4'] img")
    assert not page.all(".card[data-id='5'] img")
    for movie_id in (3, 4, 5):
        assert not has_image(page, movie_id)
        assert page.run("arguments[0].querySelector('svg.poster').checkVisibility()",
                        picture(page, movie_id))
        assert colour(page, movie_id) != RED
    assert all("gone.png" in message for message in page.messages())


def test_posters_are_asked_for_when_they_come_near_and_tell_no_address(page, images):
    page.screen(390, 700)
    page.open("/?id=1&k={}".format(N_FILMS - 1))
    page.wait(lambda: "/t/asked.png" in images.asked, "the first ones")
    last = page.run("[...document.querySelectorAll('.card')].pop().dataset.id")
    page.painted()
    assert len(images.asked) < N_FILMS / 2
    assert "/t/{}.png".format(last) not in images.asked
    picture(page, last)
    page.wait(lambda: "/t/{}.png".format(last) in images.asked, "the last one")
    assert not images.referrers
    page.messages()  # one is gone


def test_no_third_host_may_send_images_and_tmdb_is_named(page, address):
    page.open("/")
    with image_server() as third:
        page.run("void document.body.append(Object.assign(new Image(), { src: arguments[0] }))",
                 third.address + "/t/comes.png")
        page.wait(lambda: page.run("[...document.images].pop().complete"), "a refusal")
        assert third.asked == []
    assert all("Content Security Policy" in message for message in page.messages())
    for path in ("/", "/map", "/about"):
        page.open(path)
        assert "uses the TMDB API but is not endorsed or certified by TMDB" in page.one("body").text
    page.driver.get_log("performance")
