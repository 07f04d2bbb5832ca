"""The example DAGs' tables on two DynamoDB servers that run already.

docker-compose.yml runs `python -m local.seed SOURCE_URL DESTINATION_URL` once, so that the nightly DAG finds its
tables.
"""

import sys
from collections.abc import Sequence

from botocore.config import Config
from botocore.exceptions import ConnectionError as NotReachedError

from local import dataset
from local.dynamodb import AccessKey, Server
from local.sides import DESTINATION_TABLE, SOURCE_TABLE

KEY = AccessKey("local")

# A server that starts at the same time may take a minute.
_PATIENT = Config(connect_timeout=5, retries={"mode": "standard", "total_max_attempts": 12})


def main(arguments: Sequence[str] | None = None) -> int:
    """Create the production table with its items and an empty staging table, unless they are there."""
    source_url, destination_url = sys.argv[1:] if arguments is None else arguments
    source, destination = (Server("dynamodb-local", url) for url in (source_url, destination_url))
    try:
        if SOURCE_TABLE not in _tables(source):
            print(f"{dataset.fill_table(source, KEY, SOURCE_TABLE):,} items in {SOURCE_TABLE} at {source_url}")
        if DESTINATION_TABLE not in _tables(destination):
            dataset.create_table(destination.client(key=KEY), DESTINATION_TABLE)
            print(f"{DESTINATION_TABLE}, empty, at {destination_url}")
    except NotReachedError as error:
        print(
            f"a DynamoDB server does not answer ({type(error).__name__}); start {source_url} and {destination_url}"
        )
        return 1
    return 0


def _tables(server: Server) -> list[str]:
    return server.client(key=KEY, config=_PATIENT).list_tables()["TableNames"]


if __name__ == "__main__":
    sys.exit(main())
