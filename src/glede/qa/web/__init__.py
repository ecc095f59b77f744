"""The web page of document QA: static files, shipped as package data and served as they are.

``index.html`` belongs at ``/`` and every other file of this folder at ``/web/<name>``. The page needs
no build step and no other origin, and runs under a strict ``Content-Security-Policy``:
``default-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'``.
"""
