"""The shipper: follows the service's log file and puts each record into Elasticsearch, once."""
