"""The pages in a real browser: what people do with them, and what a browser has to say."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys


def test_titles_are_suggested_while_one_types_and_a_click_chooses(page):
    page.open()
    page.type("matr")
    assert page.suggestions()[0] == "The Matrix"
    first = page.texts("#suggestions li")[0]
    assert "1999" in first
    assert "Science Fiction" in first
    page.all("#suggestions li")[0].click()
    cards = page.answer("The Matrix 1999")
    assert len(cards) == 10
    assert "The Matrix Reloaded" in cards
    assert page.query() == "/?id=603"
    assert page.driver.title == "Films like The Matrix"


def test_suggestions_are_told_to_whoever_does_not_see_them(page):
    page.open()
    page.type("matr")
    titles = page.suggestions()
    status = "document.getElementById('status').textContent"
    assert page.run(status) == "{} films. Arrow keys choose".format(len(titles))
    page.press(Keys.ARROW_DOWN)
    assert page.run(status).startswith("The Matrix 1999 ")
    assert page.run(status).endswith(", 1 of {}".format(len(titles) + 1))
    box = page.focus()
    assert (box.get_attribute("aria-autocomplete"), box.aria_role) == ("list", "textbox")
    assert page.one("#" + box.get_attribute("aria-activedescendant")).aria_role == "option"
    assert page.one("#" + box.get_attribute("aria-controls")).aria_role == "listbox"
    page.press(Keys.ARROW_UP)
    assert box.get_attribute("aria-activedescendant") is None


def test_a_typo_still_finds_its_film(page):
    page.open()
    page.type("godfater")
    assert "The Godfather" in page.suggestions()


def test_a_card_shows_rank_score_year_genres_rating_and_overview(page):
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    assert page.texts(".card .rank") == [str(rank) for rank in range(1, 11)]
    found = page.recommended()["results"]
    # The bar is full at twice the nearness of a nearest film; the cosine is there on demand.
    widths = page.run("[...document.querySelectorAll('.bar.scale span')].map("
                      "e => e.offsetWidth / e.parentElement.offsetWidth)")
    assert widths == pytest.approx([min(film["nearness"] / 2, 1) for film in found], abs=0.01)
    assert page.run("[...document.querySelectorAll('.score')].map(e => e.title)") == [
        "cosine {:.3f}".format(film["score"]) for film in found]
    assert page.texts(".card .number")[0] == "very near"
    for selector in (".year", ".genres", ".rating", ".overview"):
        assert all(page.texts(".card " + selector))


def test_a_card_leads_to_its_own_films_and_the_way_back_leads_back(page):
    page.open("/?id=603")
    cards = page.answer("The Matrix 1999")
    year = page.texts(".card .year")[0]
    page.all(".card h3 a")[0].click()
    assert page.answer("{} {}".format(cards[0], year)) != cards
    page.driver.back()
    assert page.answer("The Matrix 1999") == cards
    assert page.query() == "/?id=603"
    page.driver.forward()
    page.answer("{} {}".format(cards[0], year))


def test_the_way_back_to_the_start_shows_the_start(page):
    page.open()
    page.all("#start .chip")[0].click()
    page.wait(lambda: page.texts(".card .title"), "cards")
    page.driver.back()
    page.wait(lambda: page.one("#start").is_displayed(), "the start")
    assert not page.one("#answer").is_displayed()
    assert page.one("#query").get_attribute("value") == ""


def test_a_shared_address_shows_the_same(page):
    page.open()
    page.type("A robot learns to love", Keys.ENTER)
    cards = page.answer("A robot learns to love")
    assert len(cards) == 10
    shared = page.driver.current_url
    page.driver.switch_to.new_window("tab")
    page.driver.get(shared)
    assert page.answer("A robot learns to love") == cards
    assert page.tokens() == ["“A robot learns to love”"]
    page.driver.close()
    page.driver.switch_to.window(page.driver.window_handles[0])


def test_a_text_that_takes_long_shows_that_it_is_being_read(page):
    page.open()
    page.connected(True, latency=500)
    page.type("A dog finds its way home over the mountains", Keys.ENTER)
    page.wait(lambda: page.texts("#answer .lead") == ["Reading your text …"], "words")
    assert page.all("#answer .skeleton")
    assert len(page.answer("A dog finds its way home over the mountains")) == 10
    assert not page.all("#answer .skeleton")


def test_a_title_that_is_typed_out_is_taken_for_the_film(page):
    page.open()
    page.type("amelie", Keys.ENTER)
    page.answer("Amélie 2001")


def test_a_title_mistyped_beyond_doubt_wins_and_the_text_is_offered(page):
    page.open()
    page.type("godfater", Keys.ENTER)
    page.answer("The Godfather 1972")
    assert "Nothing is called “godfater”" in page.one(".note").text
    page.one(".note a").click()
    page.answer("godfater")
    assert page.query() == "/?text=godfater"
    # And from there the film is offered.
    page.one(".note a").click()
    page.answer("The Godfather 1972")


def test_a_title_of_which_the_beginning_is_typed_wins_if_no_other_begins_so(page):
    page.open()
    page.type("interstel", Keys.ENTER)
    page.answer("Interstellar 2014")
    assert page.one(".note a").text == "Films about “interstel”"


def test_a_text_of_which_no_word_is_known_is_told_and_one_known_in_part_is_noted(page):
    page.open()
    page.type("привет мир", Keys.ENTER)
    assert "knows no word of" in page.one("#answer [role=alert]").text
    page.messages()  # the answer 404 stands in the console
    page.all("#wishes button")[0].click()
    page.type("a привет meets a boy", Keys.ENTER)
    page.answer("a привет meets a boy")
    assert "does not know привет in" in page.one(".note").text


def test_filters_narrow_the_films_and_stand_in_the_address(page):
    page.open("/?id=603")
    cards = page.answer("The Matrix 1999")
    page.chip("Comedy").click()
    page.at("/?id=603&genres=Comedy")
    page.wait(lambda: page.texts(".card .title") != cards, "other cards")
    assert all("Comedy" in genres for genres in page.texts(".card .genres"))
    # Neighbouring decades join, and leave again; the focus stays where it is.
    for decade, years in (("1990s", "1990&year_to=1999"), ("1980s", "1980&year_to=1999"),
                          ("1990s", "1980&year_to=1989"), ("2010s", "2010&year_to=2019"),
                          ("1980s", "1980&year_to=1989")):
        page.chip(decade).click()
        page.at("/?id=603&genres=Comedy&year_from=" + years)
        assert page.focus() == page.chip(decade)
    page.wait(lambda: {text[:3] for text in page.texts(".card .year")} == {"198"}, "the 1980s")
    assert page.pressed() == page.tokens("filters-on") == ["Comedy", "1980s"]
    assert page.one("#open-filters").text == "Filters (2)"
    assert page.driver.title == "Films like The Matrix: Comedy, 1980s"
    page.one(".card h3 a").click()
    page.wait(lambda: page.texts(".asked .title") != ["The Matrix"], "the next film")
    assert page.query().endswith("&genres=Comedy&year_from=1980&year_to=1989")
    page.driver.back()
    page.answer("The Matrix 1999")
    page.one("#filters-on .none").click()
    page.wait(lambda: page.texts(".card .title") == cards, "all films again")
    assert page.query() == "/?id=603"
    assert page.pressed() == []


def test_a_shared_address_shows_its_filters(page):
    page.open("/?text=a+robot&genres=Science+Fiction,Drama&year_to=1949&top_rated=250")
    cards = page.answer("a robot")
    assert page.pressed() == ["Drama", "Science Fiction", "Before 1950", "Top 250"]
    assert page.tokens("filters-on") == ["Science Fiction", "Drama", "before 1950", "top 250"]
    assert all("Science Fiction" in genres and "Drama" in genres
               for genres in page.texts(".card .genres"))
    assert page.texts(".few p")[0] == "The filters leave {}.".format(
        "one film" if len(cards) == 1 else "{} films".format(len(cards)))


def test_filters_alone_list_the_best_rated_films(page):
    page.open()
    page.chip("Horror").click()
    page.answer("Horror")
    assert page.query() == "/?genres=Horror"
    ratings = [float(text.split()[0]) for text in page.texts(".card .number")]
    assert len(ratings) == 10
    assert ratings == sorted(ratings, reverse=True)
    assert 5 < ratings[-1] < ratings[0] < 10
    assert not page.all(".why")
    page.one("#filters-on button").click()
    page.wait(lambda: page.one("#start").is_displayed(), "the start")


def test_filters_that_leave_nothing_name_the_ways_out(page):
    page.open("/?id=603&genres=Western,Animation&top_rated=100")
    page.answer("The Matrix 1999")
    assert "No film fits" in page.one("#answer [role=alert]").text
    assert page.texts(".choices .chip") == ["× Western", "× Animation", "× top 100"]
    assert "No films" in page.run("document.getElementById('status').innerText")
    page.all(".choices .chip")[0].click()
    page.at("/?id=603&genres=Animation&top_rated=100")
    page.wait(lambda: page.texts(".card .title"), "cards")
    page.driver.back()
    page.wait(lambda: page.all(".choices .chip"), "the ways out")
    page.one(".message .choices:last-child button").click()
    page.wait(lambda: len(page.texts(".card .title")) == 10, "cards")
    assert page.query() == "/?id=603"


def test_a_filter_that_makes_no_sense_is_told_with_a_way_out(page):
    page.open("/?id=603&genres=Slapstick")
    alert = page.one("#answer [role=alert]")
    assert "Slapstick" in alert.text
    assert "Comedy" in alert.text  # what there is
    alert.find_element(By.TAG_NAME, "button").click()
    assert len(page.answer("The Matrix 1999")) == 10
    message, = page.messages()
    assert "404" in message


def test_an_explanation_that_fails_is_told_below_its_card(page):
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    page.connected(False)
    page.all(".why")[0].click()
    page.wait(lambda: "does not answer" in "".join(page.texts(".reasons [role=alert]")), "it")
    page.connected(True)
    assert all("ERR_INTERNET_DISCONNECTED" in message for message in page.messages())
    page.all(".why")[0].click()
    page.all(".why")[0].click()
    page.one(".reasons .texts")


def test_a_film_that_is_not_there_is_told(page):
    page.open("/?id=99999999")
    assert page.one("#answer [role=alert] h2").text == "There is no such film here"
    assert page.tokens() == ["film 99999999"]
    assert not page.all(".card")
    message, = page.messages()
    assert "404" in message


def test_a_server_that_is_gone_leaves_the_answer_and_a_banner_until_it_is_back(page):
    page.open("/?id=603")
    cards = page.answer("The Matrix 1999")
    page.connected(False)
    page.all(".card h3 a")[0].click()
    page.wait(lambda: "does not answer" in page.one("#banner").text, "the banner")
    assert page.texts(".card .title") == cards
    page.type("toy")
    page.suggestions()
    page.press(Keys.ESCAPE)
    page.connected(True)
    # It goes by itself, and what was asked for is there.
    page.wait(lambda: not page.one("#banner").is_displayed(), "no banner")
    page.wait(lambda: page.texts(".asked .title") == cards[:1], "the next film")
    assert all("ERR_INTERNET_DISCONNECTED" in message for message in page.messages())


def test_a_keyboard_is_enough(page):
    page.open()
    page.press(Keys.TAB)
    assert page.focus().text == "Skip to the films"
    page.tab_to(lambda focus: focus.get_attribute("id") == "query")
    page.press(*"matrix")
    titles = page.suggestions()
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    box = page.focus()
    chosen = page.one("#" + box.get_attribute("aria-activedescendant"))
    assert chosen.get_attribute("aria-selected") == "true"
    assert titles[1] in chosen.text
    page.press(Keys.ENTER)
    page.wait(lambda: page.texts(".asked .title") == [titles[1]], titles[1])
    # The focus is on the answer: its links come next.
    assert page.run("document.activeElement.tagName") == "H2"
    first = page.texts(".card .title")[0]
    page.tab_to(lambda focus: focus.text.startswith(first))
    page.tab_to(lambda focus: focus.text == "Why?")
    page.press(Keys.SPACE)
    page.one(".reasons mark")
    page.run("document.activeElement.blur()")
    page.driver.find_element(By.TAG_NAME, "body").send_keys("/")
    assert page.focus().get_attribute("id") == "query"
    page.tab_to(lambda focus: focus.text == "Filters")
    page.press(Keys.SPACE)
    page.tab_to(lambda focus: focus.text == "Drama")
    page.press(Keys.SPACE)
    page.wait(lambda: all("Drama" in text for text in page.texts(".card .genres")), "dramas")
    assert page.focus().text == "Drama"
    first = page.texts(".card .title")[0]
    page.tab_to(lambda focus: focus.text.startswith(first), at_most=50)
    page.press(Keys.ENTER)
    page.wait(lambda: page.texts(".asked .title") == [first], first)


def test_escape_closes_the_suggestions_and_keeps_what_was_typed(page):
    page.open()
    page.type("matr")
    page.suggestions()
    page.press(Keys.ESCAPE)
    assert not page.one("#suggestions").is_displayed()
    assert page.one("#query").get_attribute("value") == "matr"


def test_a_phone_shows_all_without_scrolling_sideways(page):
    page.screen(360, 740)
    page.open()
    assert page.run("document.documentElement.scrollWidth") == 360
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    assert page.run("document.documentElement.scrollWidth") == 360
    page.one(".on-map").click()
    page.map()
    assert page.run("document.documentElement.scrollWidth") == 360
    page.driver.back()
    page.answer("The Matrix 1999")
    lefts = page.run("[...document.querySelectorAll('.card')].map(e => e.offsetLeft)")
    assert len(set(lefts)) == 1
    page.open("/api")
    assert page.run("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("path", ["/?id=603", "/map?id=603"])
def test_all_of_a_page_but_its_data_is_sent_in_less_than_300_kilobytes(page, path):
    page.open(path)
    page.one(".card .title, #chosen .near a")
    sent = {part["name"]: part["encodedBodySize"] for part in page.run(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType("
        "'resource')].map(part => part.toJSON())") if "/api/v1/" not in part["name"]}
    assert {"js", "css", "woff2"} <= {name.rpartition(".")[2] for name in sent}
    assert min(sent.values()) > 0
    assert sum(sent.values()) < 300000


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", [
    "/", "/?id=603&genres=Comedy", "/?text=a+robot",
    "/?id=603&id=862&text=two+strangers+fall+in+love&not_id=597&genres=Drama&year_from=1970"])
def test_nothing_jumps_while_a_page_comes(page, width, path):
    page.screen(width, 900)
    page.open(path)
    page.one("#start:not([hidden]), .card .title")
    jumps = page.driver.execute_async_script(
        "const done = arguments[0]; let all = 0;"
        "new PerformanceObserver(list => list.getEntries().forEach(e => { all += e.value; }))"
        ".observe({type: 'layout-shift', buffered: true});"
        "requestAnimationFrame(() => setTimeout(() => done(all)))")
    assert jumps < 0.005


def test_whoever_wants_no_motion_sees_none(page):
    page.media(prefers_reduced_motion="reduce")
    page.open("/?id=603")
    page.answer("The Matrix 1999")
    page.chip("Science Fiction").click()
    page.wait(lambda: page.driver.title.endswith(": Science Fiction"), "the answer")
    assert page.run("document.getAnimations().length") == 0


def test_dark_is_dark_and_light_is_light(page):
    page.open()
    lightness = "getComputedStyle(document.body).{}.match(/\\d+/g).map(Number)[0]"
    for scheme, paper_is_lighter in (("light", True), ("dark", False)):
        page.media(prefers_color_scheme=scheme)
        paper, ink = (page.run(lightness.format(name)) for name in ("backgroundColor", "color"))
        assert (paper > ink) == paper_is_lighter
        assert abs(paper - ink) > 150


def test_what_is_typed_is_never_taken_for_html(page):
    page.open()
    page.type("<img src=x onerror=alert(1)> in Paris")
    page.suggestions()
    page.press(Keys.ENTER)
    page.answer("<img src=x onerror=alert(1)> in Paris")
    assert not page.all("#answer img")
