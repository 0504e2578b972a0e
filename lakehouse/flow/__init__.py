"""The verbs put together: land, conform, summarise, publish. Jobs and the command line call these; the layers stay apart."""
