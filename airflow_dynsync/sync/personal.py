"""Names of attributes that promise personal data, in several languages."""

from __future__ import annotations

import re
from typing import Final

from airflow_dynsync.sync.disguises import fold

_WORDS: Final = frozenset(
    fold(word)
    for line in (
        "name names email emails mail phone phones tel telephone mobile cell fax sms whatsapp address addresses",
        "addr street city town zip zipcode postcode postal county birth birthday birthdate born dob age gender",
        "sex title ssn sin nin nino itin ein passport licence license taxid vat iban bic swift card cards pan cvv",
        "cvc pin account ip ipv mac imei imsi msisdn device fingerprint lat latitude lng lon longitude geo gps",
        "location user username login nick nickname handle password passwd pwd secret token avatar photo picture",
        "signature surname forename firstname lastname fullname spouse partner child children parent mother",
        "father contact recipient holder nationality ethnicity race religion diagnosis salary income notes",
        "vorname nachname familienname geburt geburtstag geburtsdatum geburtsort straße plz ort wohnort anschrift",
        "adresse telefon telefonnummer handy rufnummer mobil ausweis steuer konto kontonummer geschlecht benutzer",
        "nom prénom naissance rue ville téléphone portable courriel sexe compte utilisateur nir siret",
        "nombre apellido apellidos nacimiento dirección calle ciudad teléfono móvil correo dni nif nie curp sexo",
        "cuenta nome cognome nascita indirizzo città cellulare codicefiscale utente conto",
        "sobrenome nascimento endereço rua cidade celular cpf cnpj rg",
        "naam voornaam achternaam geboorte geboortedatum adres straat woonplaats telefoon bsn",
        "imię nazwisko urodzenia ulica miasto pesel nip namn förnamn efternamn personnummer adress gata stad navn",
        "имя фамилия отчество адрес телефон почта паспорт инн снилс",
        "名前 氏名 姓 住所 電話 生年月日 姓名 地址 电话 手机 邮箱 이름 주소 전화",
    )
    for word in line.split()
)
_STEMS: Final = re.compile(
    fold(
        "email|phone|telefon|telefoon|address|adresse|birth|geburt|naissance|nacimient|nasciment|passport|password|surname"
        "|firstname|lastname|fullname|username|vorname|nachname|cognome|apellido|nazwisko|iban|personnummer|creditcard"
        "|latitude|longitude|名前|氏名|住所|電話|姓名|地址|电话|手机|邮箱|이름|주소|전화"
    )
)
"""What also counts inside a longer word."""

_WORD_ENDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W_]+|(?<=[A-Za-z])(?=[0-9])")


def sounds_personal(name: str) -> bool:
    """Tell whether an attribute's name promises personal data, be it written in snake, camel or kebab case."""
    parts = [fold(part) for part in _WORD_ENDS.split(name)]
    return not _WORDS.isdisjoint(parts) or _STEMS.search("".join(parts)) is not None
