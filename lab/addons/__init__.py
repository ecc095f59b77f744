"""What a cluster needs beside Kubernetes itself: names, metrics, volumes, outside addresses.

They are daemons of this machine rather than pods: they start in a second, need no image, and a drill that
kills nodes does not take them along.
"""
