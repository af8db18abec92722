"""Team in a real browser: inviting, roles, passwords, sessions, and an end to it."""

from playwright.sync_api import Browser, Page, expect

from tests.up.installation import Installation

from .browser import Panel
from .people import PASSWORD, another, enter


def invited(panel: Panel, name: str, email: str, role: str) -> str:
    """Invite somebody on the screen; return the link that is shown once."""
    page = panel.go("/team")
    page.get_by_role("button", name="Invite somebody").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("E-mail").fill(email)
    dialog.get_by_label("Role").select_option(role)
    dialog.get_by_role("button", name="Make the link").click()
    link = dialog.get_by_text("/panel/sign-in#token=").inner_text()
    dialog.get_by_role("button", name="Done").click()
    expect(page.locator(".row", has_text=name)).to_contain_text("invited, not here yet")
    assert "#token=" not in page.content()
    return link


def by_password(page: Page, panel: Panel, email: str) -> None:
    """Sign in with a password."""
    page.goto(f"{panel.url}/panel/team")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Team")).to_be_visible()


def test_somebody_is_invited_comes_and_ends_a_session(browser: Browser, panel: Panel) -> None:
    """A link, a password, two browsers; one ends the other."""
    link = invited(panel, "Grace", "grace@example.com", "read_only")
    with another(browser) as first, another(browser) as second:
        enter(first, link, "Grace H")
        by_password(second, panel, "grace@example.com")
        expect(second.get_by_role("button", name="Invite somebody")).to_have_count(0)
        expect(second.locator(".roles th.own")).to_have_text("read-only")
        sessions = second.locator(".sessions li")
        expect(sessions).to_have_count(2)
        expect(second.locator(".sessions")).to_contain_text("this one")
        sessions.get_by_role("button").click()
        expect(sessions).to_have_count(1)
        first.reload()
        expect(first.get_by_role("heading", name="Sign in")).to_be_visible()


def test_somebody_known_accepts_with_their_password(browser: Browser, panel: Panel) -> None:
    """To be an owner is offered; a browser that is not signed in is asked for the password."""
    known = invited(panel, "Joan", "joan@example.com", "agent")
    with another(browser) as page:
        enter(page, known, "Joan C")
    page = panel.go("/team")
    page.get_by_role("button", name="Invite somebody").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Joan")
    dialog.get_by_label("E-mail").fill("joan@example.com")
    dialog.get_by_label("Role").select_option("owner")
    dialog.get_by_role("button", name="Make the link").click()
    expect(dialog).to_contain_text("has an account in this installation already")
    link = dialog.get_by_text("/panel/sign-in#token=").inner_text()
    with another(browser) as other:
        other.goto(link)
        other.get_by_label("Password").fill("not the one that it is")
        other.get_by_role("button", name="Accept").click()
        expect(other.locator(".field.wrong")).to_contain_text("not your password")
        other.get_by_label("Password").fill(PASSWORD)
        other.get_by_role("button", name="Accept").click()
        expect(other.locator(".app")).to_be_visible()
        other.goto(f"{panel.url}/panel/team")
        expect(other.locator(".roles th.own")).to_have_text("owner")
        expect(other.locator(".you").get_by_label("E-mail")).to_be_disabled()


def test_one_changes_ones_own_password(browser: Browser, panel: Panel) -> None:
    """It needs the present one, and what is wrong with the new one is told at its field."""
    link = invited(panel, "Mary", "mary@example.com", "agent")
    with another(browser) as page:
        enter(page, link, "Mary J")
        page.goto(f"{panel.url}/panel/team")
        page.get_by_label("New password").fill("short")
        page.get_by_label("Present password").fill(PASSWORD)
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".field.wrong")).to_contain_text("12")
        page.get_by_label("New password").fill("another harbour in autumn")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Your other sessions are over")).to_be_visible()


def test_a_role_changes_and_somebody_is_removed(
    browser: Browser, panel: Panel, shop: Installation
) -> None:
    """A new role counts at once; whoever is removed is out, and both are in the audit log."""
    link = invited(panel, "Ida", "ida@example.com", "agent")
    with another(browser) as page:
        enter(page, link, "Ida R")
        mine = panel.go("/team")
        mine.get_by_role("button", name="Manage Ida R").click()
        mine.get_by_role("dialog").get_by_label("Role").select_option("developer")
        mine.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(mine.locator(".row", has_text="Ida R")).to_contain_text("developer")
        page.goto(f"{panel.url}/panel/developers?mode=test")
        expect(page.get_by_role("button", name="Make a key")).to_be_visible()
        mine.get_by_role("button", name="Manage Ida R").click()
        mine.get_by_role("button", name="Remove from the team").click()
        mine.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
        expect(mine.locator(".row", has_text="Ida R")).to_have_count(0)
        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    done = [one["action"] for one in shop.api("GET", "/v1/audit-log?limit=20")["data"]]
    assert {"person.invited", "person.changed", "person.removed"} <= set(done)
