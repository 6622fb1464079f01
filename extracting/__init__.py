"""Extraction by several processes: on this machine, or on a cluster of Apache Spark.

The films are cut into tasks of about equal cost. A worker computes the features of a task and
writes them as one complete shard that only its run knows; the process that holds the folder's lock
publishes it. So a task that is lost, or done twice, leaves nothing lost and nothing double.
"""
