"""What follows WHERE in DynamoDB's PartiQL, said as a Scan's filter or a Query's key condition where it can be.

A statement is read in one sequence and its pages tell no capacity on every endpoint; a filter is read in
parallel segments. So a condition is translated where its meaning stays exactly the same, and left to
ExecuteStatement, as written, in every other case: what this package does not understand, what DynamoDB
would refuse, and what DynamoDB reads more cheaply by itself.
"""

from airflow_dynsync.dynamodb.where.selection import Selection, plan_selection

__all__ = ["Selection", "plan_selection"]
