"""The server's application: every route and status, hostile requests."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bert.errors import BertError
from serving.app import create_app
from serving.library import Library
from serving.openapi import DOCUMENT, MAX_BODY, MAX_TEXT
from tests.served import FILMS, FakeTexts
from tests.worlds import search

RECOMMEND = "/api/v1/recommend"
MOVIES = "/api/v1/movies"


def client_of(index, embed):
    return create_app(Library(index, embed)).test_client()


def body_of(response, status=200):
    assert response.status_code == status, response.data
    assert response.content_type == "application/json; charset=utf-8"
    return json.loads(response.data.decode("utf-8"))


def error_of(response, status):
    body = body_of(response, status)
    assert list(body) == ["error"]
    assert "\n" not in body["error"]
    assert len(body["error"]) < 500
    return body["error"]


def at_once(n, ask):
    """Return what `ask` does in each of `n` threads that begin together."""
    together = threading.Barrier(n)

    def task(_):
        together.wait()
        return ask()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(task, range(n)))


def test_title_query_answers_as_the_index_does(client, index):
    body = body_of(client.get(RECOMMEND + "?title=matrix&k=3"))
    row = index.row_of_id(603)
    found = search(index, index.space().embedding(row), 3, [row])
    scale = index.space().scale("films")
    wanted = [result._replace(nearness=scale.nearness(result.score)).to_dict() for result in found]
    assert body == {"query": index.movie(row), "made_by": index.made_by(), "results": wanted}
    assert list(body["results"][0])[:5] == ["rank", "score", "nearness", "id", "title"]


def test_id_query_equals_title_query(client):
    by_title = client.get(RECOMMEND + "?title=Toy%20Story")
    assert client.get(RECOMMEND + "?id=862").data == by_title.data
    assert len(body_of(by_title)["results"]) == 10


def test_k_beyond_the_index_gives_all_other_films(client):
    body = body_of(client.get(RECOMMEND + "?id=603&k=1000"))
    assert len(body["results"]) == len(FILMS) - 1


def test_shared_title_takes_most_votes_and_names_the_others(client):
    body = body_of(client.get(RECOMMEND + "?title=pinocchio"))
    assert body["query"]["id"] == 10895
    assert body["others"] == [
        {"id": 10599, "title": "Pinocchio", "year": 2002, "genres": ["Drama"]},
        {"id": 11360, "title": "Pinocchio", "year": 1996, "genres": ["Drama"]}]


def test_year_picks_among_films_of_one_title(client):
    body = body_of(client.get(RECOMMEND + "?title=pinocchio&year=1996"))
    assert body["query"]["id"] == 11360
    assert "others" not in body


def test_text_query_goes_through_the_index_recipe(client, index):
    body = body_of(client.post(RECOMMEND, json={"overview": "Ein Mädchen", "k": 4}))
    wanted = search(index, index.space().embed(FakeTexts()("Ein Mädchen")), 4)
    del body["note"]  # the stand-in knows no word with an umlaut
    assert body == {"query": {"overview": "Ein Mädchen"}, "made_by": index.made_by(),
                    "results": [result.to_dict() for result in wanted]}
    assert len(body_of(client.post(RECOMMEND, json={"overview": "x"}))["results"]) == 10


def test_words_that_the_checkpoint_does_not_know_are_told(client):
    body = body_of(client.post(RECOMMEND, json={"overview": "a 👽 meets 🤖🤖 again"}))
    assert body["note"] == 'tiny does not know 👽, 🤖🤖 in "a 👽 meets 🤖🤖 again"'


def test_a_text_of_which_no_word_is_known_is_not_answered(client):
    message = error_of(client.post(RECOMMEND, json={"overview": "👽 привет"}), 404)
    assert message.startswith('tiny knows no word of "👽 привет": say it in other words')


def test_a_text_that_is_longer_than_the_model_reads_is_told(client):
    assert "note" not in body_of(client.post(RECOMMEND, json={"overview": "x" * 5000}))
    body = body_of(client.post(RECOMMEND, json={"overview": "x" * MAX_TEXT}))
    assert "longer than 256 word pieces" in body["note"]


def test_filters_narrow_a_query_for_a_film(client):
    asked = {"id": 603, "min_votes": 3000, "year_to": 2001, "genres": "drama"}
    body = body_of(client.get(RECOMMEND, query_string=asked))
    assert {result["id"] for result in body["results"]} == {194, 862, 863}


def test_filters_narrow_a_query_for_a_text(client):
    asked = {"overview": "a shark", "min_votes": 3000, "year_to": 2001, "genres": ["Drama"]}
    body = body_of(client.post(RECOMMEND, json=asked))
    assert {result["id"] for result in body["results"]} == {603, 194, 862, 863}


def test_filters_alone_list_the_best_rated(client, index):
    body = body_of(client.get(RECOMMEND, query_string={"min_votes": 0}))
    assert body["query"] == {}
    scores = [result["score"] for result in body["results"]]
    assert len(scores) == min(10, len(index)) and scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(float(max(index.column("weighted_rating"))), abs=1e-5)


def test_filters_that_cannot_be_met_are_told(client, index):
    film = {"id": index.ids[0]}
    assert "there are" in error_of(
        client.get(RECOMMEND, query_string={**film, "genres": "Comdy"}), 404)
    assert "neither true nor false" in error_of(
        client.get(RECOMMEND, query_string={**film, "same_genre": "maybe"}), 400)
    assert "genres" in error_of(
        client.get(RECOMMEND, query_string={**film, "any_genre": "true"}), 400)
    assert "film" in error_of(
        client.post(RECOMMEND, json={"overview": "a", "same_genre": True}), 422)


def test_non_ascii_is_sent_as_utf8(client):
    assert "Amélie".encode() in client.get(MOVIES + "/194").data
    assert "もののけ姫".encode() in client.get(RECOMMEND + "?title=もののけ姫").data


def test_completion_puts_words_that_begin_so_first_by_votes(client):
    body = body_of(client.get(MOVIES + "?q=mat&k=4"))
    assert body["query"] == {"q": "mat"}
    assert [film["id"] for film in body["results"]] == [603, 604, 605, 10830]
    assert body["results"][0] == {
        "id": 603, "title": "The Matrix", "year": 1999, "genres": ["Drama"]}


def test_completion_finds_later_words_and_several_words(client):
    assert body_of(client.get(MOVIES + "?q=revol&k=1"))["results"][0]["id"] == 605
    assert body_of(client.get(MOVIES + "?q=Toy%20St&k=1"))["results"][0]["id"] == 862


def test_completion_gives_near_titles_only_where_no_word_begins_so(client):
    assert body_of(client.get(MOVIES + "?q=pinochio&k=3"))["results"][0]["title"] == "Pinocchio"
    ids = [film["id"] for film in body_of(client.get(MOVIES + "?q=matrix"))["results"]]
    assert ids == [603, 604, 605]


@pytest.mark.parametrize("typed, meant", [
    ("the matrix", 603), ("Matrix, The (1999)", 603), ("pinochio", 10895), ("もののけ姫", 128),
    ("matri", None), ("a robot learns", None), ("amél", 194), ("ame", None),
    ("the matrix rel", 604), ("pino", None), ("relo", None)])
def test_a_whole_title_a_lone_beginning_or_one_surely_mistyped_is_meant(client, typed, meant):
    answer = body_of(client.get(MOVIES, query_string={"q": typed}))
    assert answer.get("meant", {}).get("id") == meant


def test_completion_of_nothing_like_it_is_an_empty_list(client):
    assert body_of(client.get(MOVIES + "?q=%D0%96%D0%96%D0%96%D0%96"))["results"] == []


def test_one_film_is_shown_whole(client, index):
    assert body_of(client.get(MOVIES + "/194")) == index.movie(index.row_of_id(194))


def test_health(client):
    assert body_of(client.get("/healthz")) == {"status": "ok", "movies": len(FILMS)}


@pytest.mark.parametrize("address, said", [
    ("", "name a film by title or id"),
    ("?not=babe", "name a film by title or id"),
    ("?title=", "title is empty"),
    ("?title=%20%0a", "title is empty"),
    ("?title=a%00b", "title is empty, or has a NUL"),
    ("?title=%ff", "not UTF-8"),
    ("?title=%ed%a0%80", "not UTF-8"),
    ("?%ff=1", "not UTF-8"),
    ("?title=" + "x" * 1001, "title must be shorter than or equal to 1000 characters"),
    ("?title=" + "x" * 60000, "1000 characters"),
    ("?titel=babe", "'titel' is unknown: known are title, id, year, not, not_id, k"),
    ("?" + "x" * 5000 + "=1", "is unknown"),
    ("?" + "&".join("x{}=1".format(n) for n in range(5000)), "'x0' is unknown"),
    ("?id=babe", "id: 'babe' is not a whole number"),
    ("?id=1_0", "not a whole number"),
    ("?id=%D9%A1", "not a whole number"),
    ("?id=+1", "not a whole number"),
    ("?id=-1", "id must be bigger than or equal to 0"),
    ("?id=9223372036854775808", "id must be smaller than or equal to 9223372036854775807"),
    ("?id=" + "9" * 5000, "not a whole number"),
    ("?id=603&k=0", "k must be bigger than or equal to 1"),
    ("?id=603&k=1001", "k must be smaller than or equal to 1000"),
    ("?id=603&k=", "not a whole number"),
    ("?id=603&k=1.5", "not a whole number"),
    ("?id=603&k=1&k=2", "'k' is given 2 times"),
    ("?id=603&year=1999", "a year picks among the films of one title"),
    ("?title=babe&title=matilda&year=1995", "a year picks among the films of one title"),
    ("?title=babe&title=", "title.1 is empty"),
    ("?id=603&id=x", "id: 'x' is not a whole number"),
    ("?" + "&".join(["id=603"] * 21), "id must contain less than or equal to 20 items"),
    ("?id=603&not_id=603", "is both asked for and not wanted"),
    ("?id=603&genres=Drama&genres=Crime", "'genres' is given 2 times"),
    ("?id=603&genres=Drama,", "genres.1 is empty"),
    ("?id=603&diverse=1.5", "diverse must be smaller than or equal to 1"),
    ("?id=603&diverse=-1", "diverse must be bigger than or equal to 0"),
    ("?id=603&diverse=1e1", "diverse must be smaller than or equal to 1"),
    ("?id=603&diverse=1e9999", "not a number"),
    ("?id=603&diverse=nan", "not a number"),
    ("?id=603&diverse=" + "9" * 5000, "not a number"),
    ("?min_votes=0&diverse=0.5", "nothing is asked for that could be weighed against"),
    ("?id=603&explain=1", "neither true nor false"),
    ("?id=603&explain=true&k=51", "explain goes with k, and films liked, up to 50"),
    ("?min_votes=0&explain=true", "name a film or give a text"),
    ("?overview=a", "POST it as JSON"),
    ("?title=babe&year=95", "year must be bigger than or equal to 1870"),
])
def test_a_wrong_address_of_a_recommendation_is_400(client, address, said):
    assert said in error_of(client.get(RECOMMEND + address), 400)


@pytest.mark.parametrize("address, said", [
    ("", "q is missing"),
    ("?q=", "q is empty"),
    ("?q=a&k=51", "k must be smaller than or equal to 50"),
    ("?q=a&page=2", "known are q, k"),
    ("/babe", "id: 'babe' is not a whole number"),
    ("/%00", "not a whole number"),
    ("/603?k=1", "'k' is unknown"),
])
def test_a_wrong_address_of_films_is_400(client, address, said):
    assert said in error_of(client.get(MOVIES + address), 400)


@pytest.mark.parametrize("address, said", [
    (RECOMMEND + "?title=matrx", "The Matrix (1999, id 603)"),
    (RECOMMEND + "?title=babe&year=1996", "Babe (1995, id 9598)"),
    (RECOMMEND + "?title=<script>alert(1)</script>", "no film is called '<script>"),
    (RECOMMEND + "?id=1", "no movie with id 1"),
    (MOVIES + "/1", "no movie with id 1"),
    (MOVIES + "/", "there is nothing at '/api/v1/movies/'"),
    ("//api/v1//movies", "there is nothing at"),
    ("/api/v1/../../etc/passwd", "there is nothing at"),
    ("/static/x", "there is nothing at '/static/x'"),
    ("/é%00%0a%ff", "there is nothing at"),
    ("/" + "x" * 9000, "there is nothing at"),
])
def test_nothing_found_is_404(client, address, said):
    assert said in error_of(client.get(address), 404)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "TRACE", "BREW", "<b>"])
def test_wrong_method_is_405_and_says_which_are_allowed(client, method):
    response = client.open(RECOMMEND, method=method)
    assert "is not answered here, but GET, HEAD, OPTIONS, POST" in error_of(response, 405)
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


def test_options_says_what_is_allowed_without_a_body(client):
    response = client.options(RECOMMEND)
    assert (response.status_code, response.data) == (204, b"")
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
    assert "Content-Type" not in response.headers


def test_head_is_get_without_the_body(client):
    response = client.head(RECOMMEND + "?id=603")
    assert (response.status_code, response.data) == (200, b"")
    assert response.content_length == len(client.get(RECOMMEND + "?id=603").data)


def test_every_answer_has_the_headers_of_a_careful_site(client):
    for response in (client.get("/healthz"), client.get(RECOMMEND + "?id=603"),
                     client.get(RECOMMEND), client.get("/nothing"), client.options(RECOMMEND),
                     client.delete(RECOMMEND)):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in response.headers


def post(client, body, content_type="application/json", **headers):
    return client.post(RECOMMEND, data=body, content_type=content_type, headers=headers)


def test_large_body_is_413(client):
    said = error_of(client.post(RECOMMEND, json={"overview": "x" * MAX_BODY}), 413)
    assert said == "the body is larger than {} bytes".format(MAX_BODY)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded",
                                          "multipart/form-data; boundary=x", "application", None])
def test_other_than_json_is_415(client, content_type):
    error_of(post(client, b'{"overview": "x"}', content_type), 415)


def test_a_packed_body_is_415(client):
    error_of(post(client, b'{"overview": "x"}', **{"Content-Encoding": "gzip"}), 415)


@pytest.mark.parametrize("body, said", [
    (b"", "not JSON"), (b"{", "not JSON"), (b"\0", "not JSON"), (b'{"overview": "a\nb"}', "JSON"),
    (b'\xef\xbb\xbf{"overview": "x"}', "not JSON"),
    (b'{"overview": "\xff"}', "not UTF-8"),
    (b'{"overview": "x"}'.decode().encode("utf-16"), "not UTF-8"),
    (b"[" * 60000, "too deep"), (b'{"a":' * 10000, "too deep"),
    (b'{"overview": "x", "overview": "y"}', "twice"),
    (b'{"overview": "x", "k": NaN}', "NaN is no number"),
    (b'{"overview": "x", "k": -Infinity}', "-Infinity is no number"),
    (b'{"overview": "x", "k": ' + b"9" * 60000 + b"}", "60000 digits"),
    (b'{"overview": "x"} {}', "Extra data"),
])
def test_a_body_that_is_not_json_is_400(client, body, said):
    assert said in error_of(post(client, body), 400)


@pytest.mark.parametrize("body, said", [
    ([], "a list of 0 questions: send 1 to 100"), (None, "must be object"), (7, "must be object"),
    ("text", "must be object"), ({}, "nothing is asked for"), ({"k": 5}, "nothing is asked for"),
    ({"overview": 7}, "overview must be string"), ({"overview": None}, "must be string"),
    ({"overview": [7]}, "overview.0 must be string"), ({"overview": ""}, "overview is empty"),
    ({"overview": []}, "overview must contain at least 1 items"),
    ({"overview": ["x"] * 9}, "overview must contain less than or equal to 8 items"),
    ({"overview": ["x", {}]}, "overview.1 must be string"), ({"id": "603"}, "id must be integer"),
    ({"overview": "x", "diverse": "0.5"}, "diverse must be number"),
    ({"overview": "x", "diverse": 1.01}, "smaller than or equal to 1"),
    ({"overview": "x", "explain": 1}, "explain must be boolean"),
    ({"overview": "x", "genres": {}}, "genres must be string"),
    ({"overview": " \n"}, "is empty"), ({"overview": "a\0b"}, "NUL"),
    ({"overview": "\ud800"}, "half a surrogate pair"),
    ({"overview": "x" * (MAX_TEXT + 1)}, "shorter than or equal to 10000 characters"),
    ({"overview": "x", "k": "5"}, "k must be integer"), ({"overview": "x", "k": 1.5}, "integer"),
    ({"overview": "x", "k": True}, "integer"), ({"overview": "x", "k": None}, "integer"),
    ({"overview": "x", "k": 0}, "k must be bigger than or equal to 1"),
    ({"overview": "x", "k": 10 ** 19}, "k must be smaller than or equal to 1000"),
    ({"overview": "x", "k": 1e300}, "k must be smaller"),
    ({"overview": "x", "limit": 5}, "'limit' is unknown: known are overview, liked, seen, title"),
    ({"overview": "x", "\ud800<b>\n": 1}, "'\\ud800<b>\\n' is unknown"),
    ({"overview": "x", "y" * 9000: 1}, "is unknown"),
])
def test_json_that_is_wrong_is_422(client, body, said):
    assert said in error_of(post(client, json.dumps(body)), 422)


def test_a_number_beyond_floats_is_422(client):
    error_of(post(client, b'{"overview": "x", "k": 1e999}'), 422)


def test_text_query_takes_no_parameters_in_the_address(client):
    response = client.post(RECOMMEND + "?k=3", json={"overview": "x"})
    assert "'k' is unknown: none is known here" in error_of(response, 400)


def test_every_operation_of_the_document_is_answered(client):
    for path, operations in DOCUMENT["paths"].items():
        for method in operations:
            response = client.open("/api/v1" + path.format(id=603), method=method.upper())
            assert response.status_code not in {404, 405}, (method, path)


def test_missing_checkpoint_is_503_with_the_reason(index):
    def embed(text):
        raise BertError("text queries need the checkpoint x")

    client = client_of(index, embed)
    response = client.post(RECOMMEND, json={"overview": "x"})
    assert error_of(response, 503) == "text queries need the checkpoint x"
    body_of(client.get(RECOMMEND + "?id=603"))


def test_unforeseen_error_is_logged_and_shows_nothing(index, caplog):
    def embed(text):
        raise ZeroDivisionError("secret")

    message = error_of(client_of(index, embed).post(RECOMMEND, json={"overview": "x"}), 500)
    assert "secret" not in message
    assert "Traceback" not in message
    assert "ZeroDivisionError: secret" in caplog.text
