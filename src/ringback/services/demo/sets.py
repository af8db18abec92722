"""The data sets that there are, by the names that `ringback up --demo=…` takes."""

from ringback.services.demo.clinic import CLINIC
from ringback.services.demo.plan import Behaviour, DemoConnection, DemoSet
from ringback.services.demo.shop import SHOP
from ringback.services.demo.vendor import VENDOR

USUAL = "shop"
_PAGE = (
    DemoConnection("demo-whatsapp", "whatsapp", "Demo WhatsApp", "+12025550142"),
    DemoConnection("demo-bandwidth", "bandwidth", "Demo Bandwidth", "+12025550177"),
    DemoConnection("demo-simulator", "simulator", "Demo simulator", "+12025550188"),
)
BARE = DemoSet("bare", "connections to try, where nothing happens", _PAGE, (), (), ())
SETS: dict[str, DemoSet] = {one.name: one for one in (SHOP, VENDOR, CLINIC, BARE)}


def behaviours() -> dict[str, Behaviour]:
    """Return how each receiver of any set answers: what another set has made is served too."""
    return {
        endpoint.uid: endpoint.behaviour
        for one in SETS.values()
        for endpoint in one.endpoints
        if endpoint.behaviour is not None
    }
