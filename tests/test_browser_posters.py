"""The drawn pictures of films in a real browser."""

import os

import pytest

from recommender.catalogue import read_catalogue
from tests.served import ROOT

SCRIPT = """const done = arguments[arguments.length - 1], films = arguments[0];
import(new URL('static/poster.js', document.baseURI)).then(async (module) => {
  const work = () => { %s }; done(work()); }).catch((error) => done(String(error.stack)));"""
# 10 scripts, the shortest and the longest titles.
TITLES = ["M", "千と千尋の神隠し", "기생충", "Броненосец «Потёмкин»", "لورنس العرب",
          "רכבת הסיוט האיומה",
          "ต้มยำกุ้ง ภาคสองที่ยาวมาก", "दिलवाले दुल्हनिया ले जायेंगे", "🎬🍿👩‍👩‍👧", "W" * 60, "i" * 60,
          "Donaudampfschifffahrtsgesellschaftskapitän", "千" * 60, "word " * 60, "", "Ελλάδα",
          "Dr. Strangelove or: How I Learned to Stop Worrying and Love"]


@pytest.fixture()
def draw(page):
    """Open the page; a function that runs a script over `films`, with `module` imported."""
    page.open()
    page.driver.set_script_timeout(60)

    def run(script, films):
        found = page.driver.execute_async_script(SCRIPT % script, films)
        assert not isinstance(found, str), found
        return found

    return run


def sample_films():
    """The films of the sample as the API gives them."""
    catalogue = read_catalogue(os.path.join(ROOT, "data", "sample_movies.csv"))
    return [{"id": film.id, "title": film.title, "year": film.year or None,
             "genres": film.genres, "vote_average": film.vote_average}
            for film in catalogue.movies]


FITS = """
const bad = [];
for (const film of films) {
  const drawn = module.poster(film);
  drawn.style.cssText = 'position:fixed;top:0;left:0;width:200px;height:300px';
  document.body.append(drawn);
  for (const text of drawn.querySelectorAll('text')) {
    const box = text.getBBox();
    if (box.x < 0 || box.y < 0 || box.x + box.width > 200 || box.y + box.height > 300) {
      bad.push([film.title, text.textContent, box.x, box.y, box.width, box.height]);
    }
  }
  drawn.remove();
}
return bad;"""


def test_titles_of_any_length_and_script_fit_into_their_posters(draw):
    films = [{"id": 100 * at + genre, "title": title, "year": year, "genres": [name],
              "vote_average": 7.1}
             for at, title in enumerate(TITLES)
             for genre, (name, year) in enumerate([("Drama", 1931), ("Comedy", 1962), ("War", 1975),
                                                   ("Horror", 1985), ("Music", 1994), ("", 2015)])]
    assert draw(FITS, films) == []


def test_the_same_film_gets_the_same_poster_and_no_two_films_of_the_sample_one_alike(draw):
    films = sample_films()
    n, is_same, ids = draw("""
const bare = (film) => { const made = module.poster(film);
  made.querySelectorAll('text').forEach((text) => text.remove()); return made.outerHTML; };
const first = films.map(bare);
return [new Set(first).size, first.every((drawn, at) => drawn === bare(films[at])),
  films.filter((film) => module.poster(film).querySelector('[id]')).length];""", films)
    assert (n, is_same, ids) == (len(films), True, 0)


def test_each_genre_has_drawings_of_its_own_and_none_is_needed(draw):
    genres = sorted({genre for film in sample_films() for genre in film["genres"]}
                    | {"Foreign", "TV Movie", "Unheard of"})
    films = [{"id": number, "title": "A", "year": None, "genres": [genre]}
             for genre in genres for number in range(40)] + [{"id": 1, "title": "A"}]
    counts = draw("return films.map((film) => module.poster(film)"
                  ".querySelectorAll('svg *').length)", films)
    assert min(counts) >= 3


def test_titles_have_a_contrast_of_4_5_on_their_posters(draw):
    faint = draw("""
const light = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map(
  (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce(
  (sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
return films.filter((film) => {
  const made = module.poster(film);
  const pair = [made.firstChild, made.querySelector(':scope > g')].map(
    (shape) => light(shape.getAttribute('fill'))).sort((a, b) => a - b);
  return (pair[1] + 0.05) / (pair[0] + 0.05) < 4.5;
}).map(({ title }) => title);""", sample_films())
    assert faint == []


def test_a_picture_that_cannot_be_had_leaves_the_drawn_one(draw, page):
    draw("""const poster = document.baseURI + 'static/none.jpg';
const made = module.picture({ ...films[0], poster });
document.body.append(made); made.scrollIntoView(); return [];""", sample_films()[:1])
    page.wait(lambda: not page.all(".picture img"), "no broken image")
    assert page.one(".picture .poster").get_attribute("aria-hidden") == "true"
    assert all("none.jpg" in message for message in page.messages())
