"""A list whose elements belong together, rewritten as a whole by a few lines of JavaScript.

A path such as `household[*].name` treats every element by itself. Where an element's new value depends on the
others, or elements come and go, hand the whole list to JavaScript: `value` is the list, `input` the whole item
as it was in the source, and every transformer is there as a function of `neosync`.

The rules stand in the DAG here, which suits a small table; a mapping file suits one that grows.
"""

from airflow.sdk import DAG

from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator

SOURCE_TABLE = "Customers"
DESTINATION_TABLE = "CustomersStaging"

# Children disappear, everybody else gets another first name and the customer's own new surname.
HOUSEHOLD = """
const [, surname] = neosync.transformFullName(input.name, {}).split(" ");
return value
  .filter((person) => person.relation !== "child")
  .map((person) => ({
    name: neosync.transformFirstName(person.name, {}) + " " + surname,
    birthday: person.birthday.slice(0, 4) + "-01-01",
    relation: person.relation,
  }));
"""

CUSTOMER = {
    "transformer": "transform_template",
    "template": "CUSTOMER#{email}",
    "parts": {"email": "transform_email"},
}

with DAG("javascript_for_a_list", schedule=None, tags=["dynsync"]):
    DynamoDBAnonymizeSyncOperator(
        task_id="refresh",
        source_conn_id="dynsync_source",
        source_table=SOURCE_TABLE,
        destination_conn_id="dynsync_destination",
        destination_table=DESTINATION_TABLE,
        mappings={
            "PK": CUSTOMER,
            "referred_by": CUSTOMER,
            "email": "transform_email",
            "customer_email": "transform_email",
            "name": "transform_full_name",
            "household": {"transformer": "transform_javascript", "code": HOUSEHOLD},
            "entity": "passthrough",
            "lines": "passthrough",
        },
        unmapped="anonymize",
    )
