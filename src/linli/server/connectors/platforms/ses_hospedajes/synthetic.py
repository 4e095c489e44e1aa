"""The guard before platforms of other countries: nobody's real data goes there (P-28)."""

from linli.server.kernel.errors import Refusal


class OnlyFiction(Refusal):
    """{platform} belongs to another country: it takes fictional people only, and this estate is not fictional."""

    zh = "{platform} 属于境外平台，只接受虚构数据；本小区不是虚构小区，不予报送。"


def check_synthetic(*, platform: str, fictional: bool) -> None:
    """This will refuse unless the estate is a fictional one: `OnlyFiction`.

    PIPL arts 38–40 let personal data leave the mainland only on grounds that no estate has for a foreign authority.
    """
    if not fictional:
        raise OnlyFiction(platform=platform)
