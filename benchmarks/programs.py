pipelines=None
