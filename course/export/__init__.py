"""A tape in the formats of other programs: OpenTelemetry traces with OpenInference attributes.

`otlp.traces` makes spans of turns, `protobuf` encodes them, `sending` posts them to a collector such as Phoenix. A tape
exports itself as HAR (`Tape.export`).

    traces(turns(tape.records()), "run")     # what an OTLP/JSON file holds
"""
