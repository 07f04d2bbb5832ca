"""The tables that docker compose's example DAGs find."""

from local import seed
from local.dynamodb import Server
from local.sides import DESTINATION_TABLE, SOURCE_TABLE


def test_seeding_twice_leaves_a_full_production_table_and_an_empty_staging_table(
    two_dynamodb_locals: tuple[Server, Server],
) -> None:
    urls = [server.endpoint_url for server in two_dynamodb_locals]
    source, destination = (server.client(key=seed.KEY) for server in two_dynamodb_locals)
    try:
        assert seed.main(urls) == 0
        assert seed.main(urls) == 0
        assert source.describe_table(TableName=SOURCE_TABLE)["Table"]["ItemCount"] > 2000
        assert destination.describe_table(TableName=DESTINATION_TABLE)["Table"]["ItemCount"] == 0
    finally:
        source.delete_table(TableName=SOURCE_TABLE)
        destination.delete_table(TableName=DESTINATION_TABLE)
