"""What Presidio adds, told without importing it: which kinds there are, and what they need to be found."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

MODEL_ENTITIES: Final = ("LOCATION", "NRP", "ORGANIZATION", "PERSON")
"""Kinds that a spaCy model finds: places, nationalities and groups, organizations, names."""

PATTERN_ENTITIES: Final = frozenset(
    (
        *("ABA_ROUTING_NUMBER", "AU_ABN", "AU_ACN", "AU_MEDICARE", "AU_TFN", "CA_POSTAL_CODE", "CA_SIN", "CRYPTO"),
        *("DE_BSNR", "DE_FUEHRERSCHEIN", "DE_HANDELSREGISTER", "DE_HEALTH_INSURANCE", "DE_ID_CARD", "DE_KFZ"),
        *("DE_LANR", "DE_PASSPORT", "DE_PLZ", "DE_SOCIAL_SECURITY", "DE_TAX_ID", "DE_TAX_NUMBER", "DE_VAT_ID"),
        *("ES_NIE", "ES_NIF", "ES_PASSPORT", "FI_PERSONAL_IDENTITY_CODE", "IN_AADHAAR", "IN_GSTIN", "IN_PAN"),
        *("IN_PASSPORT", "IN_VEHICLE_REGISTRATION", "IN_VOTER", "IT_DRIVER_LICENSE", "IT_FISCAL_CODE"),
        *(
            "IT_IDENTITY_CARD",
            "IT_PASSPORT",
            "IT_VAT_CODE",
            "KR_BRN",
            "KR_DRIVER_LICENSE",
            "KR_FRN",
            "KR_PASSPORT",
        ),
        *(
            "KR_RRN",
            "MAC_ADDRESS",
            "MEDICAL_LICENSE",
            "NG_NIN",
            "NG_VEHICLE_REGISTRATION",
            "PH_PASSPORT",
            "PH_TIN",
        ),
        *("PH_UMID", "PL_PESEL", "SE_ORGANISATIONSNUMMER", "SE_PERSONNUMMER", "SG_NRIC_FIN", "SG_UEN", "TH_TNIN"),
        *("TR_LICENSE_PLATE", "TR_NATIONAL_ID", "UK_DRIVING_LICENCE", "UK_NHS", "UK_NINO", "UK_PASSPORT"),
        *("UK_POSTCODE", "UK_VEHICLE_REGISTRATION", "US_BANK_NUMBER", "US_CLAIM_NUMBER", "US_DRIVER_LICENSE"),
        *("US_HEALTH_INSURANCE_MEMBER_ID", "US_ITIN", "US_MBI", "US_NPI", "US_PASSPORT", "US_PRESCRIPTION_NUMBER"),
        *("US_PRIOR_AUTHORIZATION_NUMBER", "US_PROVIDER_TAX_ID", "US_REFERRAL_NUMBER", "UUID"),
        *("ZA_COMPANY_REGISTRATION", "ZA_DRIVER_LICENSE", "ZA_ID_NUMBER", "ZA_INCOME_TAX_NUMBER"),
        *(
            "ZA_LICENSE_PLATE",
            "ZA_MOBILE_NUMBER",
            "ZA_PASSPORT",
            "ZA_TELEPHONE_NUMBER",
            "ZA_TRAFFIC_REGISTER_NUMBER",
            "ZA_VAT_NUMBER",
        ),
    )
)
"""Kinds that Presidio's patterns find, in any language."""


class MissingModelError(Exception):
    """A spaCy model is not there, or not what it has to be; the message gives the remedy."""


def is_installed() -> bool:
    """Tell whether the extra ``presidio`` is installed."""
    return find_spec("presidio_analyzer") is not None


def check_model(name: str) -> None:
    """Look whether a spaCy model is installed, without loading it. None is ever downloaded.

    Args:
        name: a package such as en_core_web_lg, or the path of a folder.

    Raises:
        MissingModelError: it is not there.
    """
    if Path(name, "config.cfg").is_file():
        return
    try:
        distribution(name)
    except (PackageNotFoundError, ValueError):
        raise MissingModelError(
            "no spaCy model of that name is installed, nor is it a folder with one; install the model beside"
            " Airflow, for nothing is downloaded at run time"
        ) from None
