"""Execute many notebooks of any course, each with every profile and on every server, and report what became of them.

`plan` makes jobs of notebooks × profiles × servers, `work` hands them to the workers of a Dask cluster, `child` and
`execute` run one of them, in a process of its own behind a tap, `compare` holds its outputs against the stored ones,
`results` keeps what has finished, and `junit` and `page` report it. `notebook` and `normal` are for anyone who executes a
single notebook.

    course run notebooks --server http://gpu:8080 --out runs/nightly

The packages that this needs are the extra `run` of pyproject.toml; nothing here loads them before they are used.
"""
