"""DynamoDB on the wire: client, credentials, readers, writers, table descriptions and their errors."""
