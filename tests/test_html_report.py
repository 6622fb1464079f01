"""The report of evaluate.py as a page, looked at in a browser."""

import html.parser
import re

import pytest

from recommender.catalogue import read_catalogue
from recommender.evaluation import html_report
from tests.browser import Page
from tests.test_evaluate import write_people
from tests.worlds import open_index, row, write_csv

NASTY = "<script>alert('&')</script>"
CATALOGUE = "films_" + "with_a_long_name_" * 4 + ".csv"  # wider than a phone


@pytest.fixture
def report(run_program, tmp_path):
    """The report of a world with likes, queries, an index, and a title that looks like HTML."""
    open_index(tmp_path, [row(at, NASTY if at == 3 else "Film {}".format(at), vote_count=str(at),
                              belongs_to_collection="{'id': 5}" if at < 4 else "")
                          for at in range(1, 13)])
    write_people(tmp_path)
    (tmp_path / "movies.csv").rename(tmp_path / CATALOGUE)
    (tmp_path / "queries.csv").write_text("id,text\n3,what happens in film 3\n")
    result = run_program("evaluate.py", "--input_file", CATALOGUE, "--recipes", "last,best",
                         "--features", "features", "--html", "report.html", "--queries",
                         "queries.csv", "--bert_dir", "nowhere", cwd=str(tmp_path))
    assert result.returncode == 1  # `last` needs a checkpoint for the text
    assert not (tmp_path / "report.html").exists()
    result = run_program("evaluate.py", "--input_file", CATALOGUE, "--recipes", "last,best",
                         "--features", "features", "--html", "report.html", cwd=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "report.html holds the report as a page" in result.stderr
    return tmp_path / "report.html"


class Tags(html.parser.HTMLParser):
    """All tags, with their attributes; fails where one is closed that is not open."""

    def __init__(self, text):
        super().__init__()
        self.found, self._open = [], []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag


def test_the_page_needs_no_other_file_and_no_script(report):
    text = report.read_text(encoding="utf-8")
    tags = Tags(text).found
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
    assert not [name for _, attributes in tags for name in attributes
                if name in ("src", "href") or name.startswith("on")]
    assert "url(" not in text and "@import" not in text
    assert "&lt;script&gt;" in text


def test_every_table_has_a_row_and_a_bar_for_each_score(report):
    text = report.read_text(encoding="utf-8")
    first, held_back, rare = re.findall("<table>.*?</table>", text, re.DOTALL)
    names = ["random", "most popular", "same genre by rating", "BM25", "tfidf"]
    for table, rows, n in ((first, [*names, "last", "best"], 4),
                           (held_back, [*names, "most liked", "item-item cosine", "last", "best"],
                            3),
                           (rare, [*names, "most liked", "item-item cosine", "last", "best"], 3)):
        assert re.findall('<th scope="row">(.*?)</th>', table) == rows
        assert table.count("<svg") == n * len(rows)


def test_ten_films_are_shown_with_their_lists_by_recipe(report):
    text = report.read_text(encoding="utf-8")
    films = re.findall("<details.*?</details>", text, re.DOTALL)
    assert len(films) == 10
    for film in films:
        assert re.findall("<h3>(.*?)</h3>", film) == ["tfidf", "last", "best"]
        assert film.count("<li>") == 3 * 10
    # Film 12 has no collection; film 3 is one of three of a collection.
    assert "<b>" not in films[0]
    assert films[9].startswith("<details><summary>&lt;script&gt;")
    assert films[9].count("<b>Film 1 <") + films[9].count("<b>Film 2 <") >= 3


def test_example_films_have_different_leading_genres(tmp_path):
    genres = ["Drama", "Drama", "Crime", "", "Crime", "War"]
    movies = read_catalogue(write_csv(tmp_path / "movies.csv", [
        row(at, "Film {}".format(at), vote_count=str(100 - at),
            genres="[{'id': 1, 'name': '%s'}]" % name if name else "[]")
        for at, name in enumerate(genres)])).movies
    assert html_report.examples(movies) == [0, 2, 3, 5, 1, 4]


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "light"), (1280, "dark")])
def test_it_is_seen_in_a_browser(driver, report, width, scheme):
    page = Page(driver, report.parent.as_uri())
    page.screen(width, 900)
    page.media(prefers_color_scheme=scheme)
    driver.get_log("performance")
    page.messages()
    page.open("/report.html")
    assert page.texts("h1") == ["How good the recommendations are"]
    assert page.run("document.documentElement.scrollWidth") == width
    assert page.run("Math.min(...[...document.querySelectorAll('th')].map("
                    "e => e.getBoundingClientRect().width))") >= 100
    bars = page.run("[...document.querySelectorAll('tbody tr:last-child .bar')].map("
                    "e => e.getBoundingClientRect().width)")
    assert max(bars) > 60
    assert len(page.texts("details[open]")) == 1
    page.all("summary")[1].click()
    assert len(page.texts("details[open]")) == 2
    assert page.faults() == []
    assert page.messages() == []
    assert page.hosts() == {"file://"}
