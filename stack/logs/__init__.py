"""From the service's log file to documents in Elasticsearch, and back to who asks for them."""
