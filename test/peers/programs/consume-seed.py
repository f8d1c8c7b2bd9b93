"""Lets cloud-init itself take a seed in: prints the merged cloud-config, the scripts it would run, and what the data
source said. Arguments: a folder for cloud-init's state, and what `seedfrom` is: a folder's path or a URL."""

import json
import os
import sys

from cloudinit import helpers, importer, stages
from cloudinit.sources import DataSourceNoCloud as nocloud

state, seed_from = sys.argv[1], sys.argv[2]
config = {
    "system_info": {"distro": "debian", "paths": {"cloud_dir": state, "run_dir": os.path.join(state, "run")}},
    "vendor_data": {"enabled": True, "prefix": []},
    "datasource_list": ["NoCloud"],
    "datasource": {"NoCloud": {"seedfrom": seed_from, "fs_label": None}},
}
# Its configuration is this one whenever it reads it anew: nothing of the machine's own is read or written.
stages.Init._read_cfg = lambda self, extra: config
init = stages.Init()
init.initialize()
nocloud.util.find_devs_with = lambda *a, **k: []
kind = nocloud.DataSourceNoCloudNet if seed_from.startswith("http") else nocloud.DataSourceNoCloud
source = kind(config, init.distro, init.paths)
# The machine's own firmware and command line say nothing about a seed of ours.
nocloud.load_cmdline_data = lambda *a, **k: False
if not source.get_data():
    sys.exit("cloud-init finds no seed there")
init.datasource = source
init._reset()
init.instancify()
init.update()
init.consume_data()


def read(path):
    with open(path) as file:
        return file.read()


def scripts(kind):
    folder = init.paths.get_ipath_cur(kind)
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))] if os.path.isdir(folder) else []
    return {os.path.basename(path): read(path) for path in paths if os.path.isfile(path)}


merged = read(init.paths.get_ipath_cur("cloud_config"))
print(json.dumps({
    "instanceId": source.get_instance_id(),
    "hostname": getattr(source.get_hostname(), "hostname", source.get_hostname()),
    "network": source.network_config,
    "config": nocloud.util.load_yaml(merged, default={}),
    "scripts": scripts("scripts"),
    "vendorScripts": scripts("vendor_scripts"),
}))
