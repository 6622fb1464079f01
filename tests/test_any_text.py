"""Any text in any column goes through catalogue, index and API, and comes out cleaned."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.catalogue import read_catalogue
from recommender.cells import clean_text
from recommender.index import Index
from serving.app import create_app
from serving.library import Library
from tests.served import FakeTexts
from tests.worlds import row, write_index

# A CSV in UTF-8 can hold no lone surrogate and no NUL, but the escapes of a literal can name them.
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=30)
ANY = st.text(max_size=12) | st.sampled_from(
    ["", " ", "Sci|Fi", "a\\\\|b", "half \ud800", "nul \0 here", "\\", "|", "\u202eabc", "👽"])


@settings(max_examples=40, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(title=TEXT.filter(clean_text), original=TEXT, overview=TEXT, language=TEXT, imdb=TEXT,
       genres=st.lists(ANY, max_size=4))
def test_any_text_comes_out_as_it_was_cleaned(tmp_path_factory, title, original, overview,
                                              language, imdb, genres):
    overview = "A story. " + overview
    cells = {"original_title": original, "overview": overview, "original_language": language,
             "imdb_id": imdb, "genres": ascii([{"id": 1, "name": name} for name in genres])}
    folder = tmp_path_factory.mktemp("any")
    path = write_index(folder, [row(1, title, **cells), row(2, "Heat")])
    movie, _ = read_catalogue(str(folder / "movies.csv")).movies
    names = list(dict.fromkeys(filter(None, map(clean_text, genres))))
    assert (movie.title, movie.genres) == (clean_text(title), tuple(names))
    expected = {"title": clean_text(title), "original_title": clean_text(original),
                "overview": clean_text(overview), "language": clean_text(language),
                "imdb_id": clean_text(imdb), "genres": names}
    index = Index(path)
    shown = index.movie(0)
    assert {name: shown[name] for name in expected} == expected
    assert index.genres()[0] == sorted(set(names) | {"Drama"})
    client = create_app(Library(index, FakeTexts())).test_client()
    answer = client.get("/api/v1/movies/1").get_json()
    assert {name: answer[name] for name in expected} == expected
    listed = client.get("/api/v1/recommend?id=2").get_json()["results"][0]
    assert listed["title"] == clean_text(title)
