# The wheel's template of milvus.yaml, as the official image has it. The template is for a Milvus inside a Python
# process: it embeds etcd, and keeps everything below one folder.
s/\{\{ *etcd_data_dir *\}\}/default.etcd/
s/\{\{ *local_storage_dir *\}\}/\/var\/lib\/milvus\/data\//
s/\{\{ *rocksmq_data_dir *\}\}/\/var\/lib\/milvus\/rdb_data/
s/\{\{ *system_log_path *\}\}/""/
# What remains names a default: {{ proxy_port(int): 19530 }}
s/\{\{ *[a-z_]+(\([a-z]+\))?: *([^} ]+) *\}\}/\2/
s/^( +embed): true/\1: false/
s/^( +storageType): local/\1: remote/
# rocksmq is refused in a cluster; `default` takes it alone, and Pulsar or Kafka in a cluster.
s/^( +type): rocksmq/\1: default/
