"""Official schemas of public interfaces, as data: what both sides of a wire are held to, and neither may change."""

from pathlib import Path


def ses_hospedajes() -> Path:
    """This will give the directory of the Spanish lodging platform's official files: XSD and WSDL, version 3.1.3."""
    return Path(__file__).parent / "ses"
