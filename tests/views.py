"""Every page of the site with what it can show, for tests that hold of all of them."""

INTERACTIVE = ("a[href], button, input, select, textarea, summary, [role=option], [role=button],"
               " [role=tab], [contenteditable]")


def _cards(path):
    def view(page):
        page.open(path)
        page.wait(lambda: page.texts(".card .title, .row .title"), "films")
    return view


def _alert(path):
    def view(page):
        page.open(path)
        page.wait(lambda: page.all("#answer [role=alert]"), "what is wrong")
        page.messages()  # an answer 404 stands in the console
    return view


def _film(page):
    _cards("/?id=603")(page)
    page.all(".card .why")[0].click()
    page.wait(lambda: page.texts(".reasons"), "an explanation")
    page.one(".reasons summary").click()


def _filters(page):
    _cards("/?id=603&genres=Drama&year_from=1990&top_rated=250")(page)
    page.one("#open-filters").click()


def _suggestions(page):
    page.open()
    page.type("matr")
    page.suggestions()


def _gone(page):
    """Open an answer, and let the server be gone for the page alone: the console stays empty."""
    _cards("/?id=603")(page)
    page.run("void (window.fetch = () => Promise.reject(new TypeError('no server')))")
    page.one("#more").click()
    page.wait(lambda: page.one("#banner").is_displayed(), "the banner")


def _map(path):
    def view(page):
        page.open(path)
        page.map()
        if "?" in path:
            page.wait(lambda: page.texts("#chosen .near a"), "near films")
    return view


def _api(page):
    page.open("/api")
    page.one("form.try [type=submit]").click()
    page.wait(lambda: page.texts(".answered:not([hidden])"), "an answer")


def _nowhere(page):
    page.open("/no/such/page")
    page.messages()  # the answer 404 stands in the console


# Functions that open a page, by a name for it.
VIEWS = {
    "start": lambda page: page.open(), "film": _film, "text": _cards("/?text=a+robot"),
    "several": _cards("/?id=603&id=862&text=two+strangers+fall+in+love&not_id=597"),
    "compare": _cards("/?id=603&recipe=compare"), "best rated": _cards("/?genres=Horror"),
    "weak": _cards("/?text=refrigerator+warranty+claim+form"), "filters": _filters,
    "suggestions": _suggestions, "nothing": _alert("/?id=603&genres=Western,Animation"),
    "no film": _alert("/?id=99999999"), "gone": _gone,
    "map": _map("/map"), "map of a film": _map("/map?id=603&genres=Drama"),
    "map of a text": _map("/map?text=a+robot&colour=rating"), "api": _api,
    "about": lambda page: page.open("/about"), "nowhere": _nowhere}
