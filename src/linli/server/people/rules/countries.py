"""Countries and regions by their three letters (ISO 3166-1), and how a machine-readable zone may write them otherwise."""

from linli.server.kernel.errors import Refusal

HOME = "CHN"
REGIONS = frozenset({"HKG", "MAC", "TWN"})
_KNOWN = (
    "ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM "
    "BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR "
    "CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB "
    "GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA "
    "JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA "
    "MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR "
    "NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS "
    "SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON TTO "
    "TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE "
    # ICAO 9303-3 § 5: Kosovo, United Nations, stateless, refugees, unspecified, and Utopia of the specimens.
    "XKX UNO UNA EUE XOM XXA XXB XXC XXX UTO"
)
COUNTRIES = frozenset(_KNOWN.split())
AS_IN_ZONES = {"D": "DEU", "GBD": "GBR", "GBN": "GBR", "GBO": "GBR", "GBP": "GBR", "GBS": "GBR", "RKS": "XKX"}


class CountryUnknown(Refusal):
    """Countries are written with the three letters of ISO 3166, such as CHN or FRA."""

    zh = "国家（地区）请使用 ISO 3166 三位字母代码，例如 CHN、FRA。"
    status = 422


def check_country(text: str, *, field: str) -> str:
    """This will return the alpha-3 code in capitals, or refuse with `CountryUnknown`."""
    code = text.strip().upper()
    code = AS_IN_ZONES.get(code, code)
    if code not in COUNTRIES:
        raise CountryUnknown(field=field)
    return code
