"""Every page of the site with what it can show, for tests that hold of all of them."""

INTERACTIVE = ("a[href], button, input, select, textarea, summary, [role=option], [role=button],"
               " [role=tab], [contenteditable]")


def _film(page):
    page.open("/?id=603")
    page.wait(lambda: page.texts(".card .title"), "cards")
    page.all(".card .why")[0].click()
    page.wait(lambda: page.texts(".reasons"), "an explanation")


def _suggestions(page):
    page.open()
    page.type("matr")
    page.suggestions()


def _nothing(page):
    page.open("/?id=603&genres=Western,Animation&top_rated=100")
    page.wait(lambda: page.all("[role=alert]"), "that there is nothing")


def _map(page):
    page.open("/map?id=603")
    page.map()
    page.wait(lambda: page.texts("#chosen .near a"), "near films")


def _api(page):
    page.open("/api")


def _nowhere(page):
    page.open("/no/such/page")
    page.messages()  # the answer 404 stands in the console


def _about(page):
    page.open("/about")


# Functions that open a page, by a name for it.
VIEWS = {"start": lambda page: page.open(), "film": _film, "suggestions": _suggestions,
         "nothing": _nothing, "map": _map, "api": _api, "about": _about, "nowhere": _nowhere}
