"""A generic, level-triggered runtime for operators on asyncio: informers, queues, controllers, apply.

It knows nothing of Milvus and imports nothing else of Glede. What each part must withstand:
lists by pages and difference, silent and forgotten watches, stale reads, lost answers, writes at rest.
"""
