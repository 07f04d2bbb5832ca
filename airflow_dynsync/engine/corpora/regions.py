"""What Faker's data does not say: which state a city is in, and which postal codes a state or a city has.

Needed only by ``build.py``. A city here has the whole range of postal codes that its text names.
"""

from __future__ import annotations

from typing import Final

US_CITIES: Final = {
    "AK": "Juneau",
    "AL": "Hueytown, Montgomery, Vestavia Hills",
    "AR": "Little Rock, Searcy",
    "AZ": "Gilbert, Phoenix, Scottsdale",
    "CA": "American Canyon, Beaumont, Camarillo, Claremont, Davis, Encinitas, Glendale, Indio, Laguna Niguel,"
    " Lompoc, Mira Mesa, Norco, North Tustin, Palm Desert, Porterville, Redding, Riverbank, Sacramento,"
    " San Gabriel, Santa Maria, South Whittier, Visitacion Valley, Watsonville",
    "CO": "Aurora, Denver, Ken Caryl",
    "CT": "Bridgeport, East Haven, Hartford, New Canaan, Waterbury",
    "DC": "Washington",
    "DE": "Dover",
    "FL": "Belle Glade, Clermont, Deltona, Gainesville, Kendall, Lutz, North Lauderdale, Palm Valley,"
    " Punta Gorda Isles, Sun City Center, Tallahassee, Venice",
    "GA": "Acworth, Atlanta, Dublin, Milledgeville, Stockbridge",
    "HI": "Honolulu, Kahului",
    "IA": "Coralville, Des Moines, West Des Moines",
    "ID": "Boise, Nampa",
    "IL": "Bourbonnais, Crystal Lake, Evergreen Park, Fairview Heights, Huntley, Lower West Side, New City, Pekin,"
    " South Lawndale, Springfield, Westchester",
    "IN": "Granger, Greenfield, Indianapolis, Schererville",
    "KS": "Hutchinson, Topeka",
    "KY": "Covington, Frankfort, Murray",
    "LA": "Baton Rouge, Estelle, Shreveport",
    "MA": "Boston, Fitchburg, Malden, Peabody, Taunton",
    "MD": "Annapolis, Chillum, Fort Washington, Middle River, Rosedale, Woodlawn",
    "ME": "Augusta, Brunswick",
    "MI": "Canton, Iron River, Lansing, Port Huron, Waverly",
    "MN": "Columbia Heights, Lino Lakes, Rosemount, Saint Paul",
    "MO": "Independence, Jefferson City, Rolla",
    "MS": "Greenville, Jackson, Tupelo",
    "MT": "Helena",
    "NC": "Fayetteville, Leland, Raleigh, Thomasville",
    "ND": "Bismarck, Grand Forks",
    "NE": "Lincoln",
    "NH": "Concord, Keene",
    "NJ": "Dumont, Jersey City, Nutley, Scotch Plains, Sicklerville, Trenton, Woodbridge",
    "NM": "Carlsbad, Santa Fe",
    "NV": "Carson City, Pahrump",
    "NY": "Albany, Brighton Beach, Cypress Hills, Far Rockaway, Gates-North Gates, Greenpoint, Kensington,"
    " Massapequa, Morningside Heights, Newburgh, Port Richmond, Scarsdale, Utica, Yonkers",
    "OH": "Collinwood, Columbus, Lakewood, Lebanon, Norwalk, Toledo",
    "OK": "Ada, Muskogee, Oklahoma City",
    "OR": "Aloha, Keizer, Salem, Troutdale",
    "PA": "Harrisburg, Pottstown, West Chester",
    "RI": "Middletown, Providence",
    "SC": "Columbia, Lexington",
    "SD": "Pierre",
    "TN": "Brentwood Estates, Jackson, Nashville",
    "TX": "Abilene, Austin, Brenham, Copperas Cove, Fresno, Hutto, Longview, Odessa, Palestine, San Juan, Tyler",
    "UT": "Kearns, Salt Lake City, Saratoga Springs",
    "VA": "Bon Air, Front Royal, Mechanicsville, Richmond, Sterling",
    "VT": "Montpelier, Rutland",
    "WA": "Bothell, Bothell West, Bryn Mawr-Skyway, Kent, Olympia, Opportunity, Sunnyside",
    "WI": "Kaukauna, Madison, Pleasant Prairie",
    "WV": "Charleston, Martinsburg",
    "WY": "Cheyenne",
}
"""Cities by state: those of Faker's that lie in the United States, and every state's capital."""

GERMAN_STATES: Final = {
    "BW": "Baden-Württemberg",
    "BY": "Bayern",
    "BE": "Berlin",
    "BB": "Brandenburg",
    "HB": "Bremen",
    "HH": "Hamburg",
    "HE": "Hessen",
    "MV": "Mecklenburg-Vorpommern",
    "NI": "Niedersachsen",
    "NW": "Nordrhein-Westfalen",
    "RP": "Rheinland-Pfalz",
    "SL": "Saarland",
    "SN": "Sachsen",
    "ST": "Sachsen-Anhalt",
    "SH": "Schleswig-Holstein",
    "TH": "Thüringen",
}
"""The codes of ISO 3166-2:DE."""

GERMAN_CITIES: Final = {
    "BW": "Freiburg 79098..79117, Heidelberg 69115..69126, Karlsruhe 76131..76229, Mannheim 68159..68309,"
    " Stuttgart 70173..70629",
    "BY": "Augsburg 86150..86199, München 80331..81929, Nürnberg 90402..90491",
    "BE": "Berlin 10115..14199",
    "BB": "Potsdam 14467..14482",
    "HB": "Bremen 28195..28779",
    "HH": "Hamburg 20095..22769",
    "HE": "Frankfurt am Main 60306..60599, Kassel 34117..34134, Wiesbaden 65183..65207",
    "MV": "Rostock 18055..18147, Schwerin 19053..19063",
    "NI": "Braunschweig 38100..38126, Hannover 30159..30669",
    "NW": "Bonn 53111..53229, Dortmund 44135..44388, Düsseldorf 40210..40629, Essen 45127..45359,"
    " Köln 50667..51149, Münster 48143..48167",
    "RP": "Mainz 55116..55131",
    "SL": "Saarbrücken 66111..66133",
    "SN": "Chemnitz 09111..09247, Dresden 01067..01328, Leipzig 04103..04357",
    "ST": "Halle 06108..06132, Magdeburg 39104..39130",
    "SH": "Kiel 24103..24159, Lübeck 23552..23570",
    "TH": "Erfurt 99084..99099, Jena 07743..07751",
}

SPANISH_CITIES: Final = (
    *("Álava: Vitoria", "Albacete", "Alicante", "Almería", "Ávila", "Badajoz", "Baleares: Palma", "Barcelona"),
    *("Burgos", "Cáceres", "Cádiz", "Castellón: Castellón de la Plana", "Ciudad Real", "Córdoba"),
    *("La Coruña", "Cuenca", "Girona", "Granada", "Guadalajara", "Guipúzcoa: San Sebastián", "Huelva", "Huesca"),
    *("Jaén", "León", "Lleida", "La Rioja: Logroño", "Lugo", "Madrid", "Málaga", "Murcia", "Navarra: Pamplona"),
    *("Ourense", "Asturias: Oviedo", "Palencia", "Las Palmas: Las Palmas de Gran Canaria", "Pontevedra"),
    *("Salamanca", "Santa Cruz de Tenerife", "Cantabria: Santander", "Segovia", "Sevilla", "Soria", "Tarragona"),
    *("Teruel", "Toledo", "Valencia", "Valladolid", "Vizcaya: Bilbao", "Zamora", "Zaragoza", "Ceuta", "Melilla"),
)
"""Provinces and their capitals: a province's place in this list is what its postal codes begin with."""

JAPANESE_REGIONS: Final = {
    "八千代市": "千葉県 260-0000..299-9999",
    "千代田区": "東京都 101-0000..179-9999",
    "八王子市": "東京都 180-0000..208-9999",
    "大島町": "東京都 100-0101..100-2211",
    "横浜市鶴見区": "神奈川県 220-0000..247-9999",
    "川崎市川崎区": "神奈川県 210-0000..216-9999",
}
"""Faker's cities come prefecture by prefecture: the city with which each begins."""

BRAZILIAN_CITIES: Final = {
    "AC": "Rio Branco 69900-000..69999-999",
    "AL": "Maceió 57000-000..57999-999",
    "AM": "Manaus 69000-000..69299-999",
    "AP": "Macapá 68900-000..68999-999",
    "BA": "Salvador 40000-000..48999-999",
    "CE": "Fortaleza 60000-000..63999-999",
    "DF": "Brasília 70000-000..72799-999",
    "ES": "Vitória 29000-000..29999-999",
    "GO": "Goiânia 73700-000..76799-999",
    "MA": "São Luís 65000-000..65999-999",
    "MG": "Belo Horizonte 30000-000..39999-999",
    "MS": "Campo Grande 79000-000..79999-999",
    "MT": "Cuiabá 78000-000..78899-999",
    "PA": "Belém 66000-000..68899-999",
    "PB": "João Pessoa 58000-000..58999-999",
    "PE": "Recife 50000-000..56999-999",
    "PI": "Teresina 64000-000..64999-999",
    "PR": "Curitiba 80000-000..87999-999",
    "RJ": "Rio de Janeiro 20000-000..28999-999",
    "RN": "Natal 59000-000..59999-999",
    "RO": "Porto Velho 76800-000..76999-999",
    "RR": "Boa Vista 69300-000..69399-999",
    "RS": "Porto Alegre 90000-000..99999-999",
    "SC": "Florianópolis 88000-000..89999-999",
    "SE": "Aracaju 49000-000..49999-999",
    "SP": "São Paulo 01000-000..19999-999",
    "TO": "Palmas 77000-000..77999-999",
}
"""Every state's capital, with the postal codes of the state."""
