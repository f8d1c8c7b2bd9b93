# shellcheck shell=sh
# Prints the machine's block devices: what the choice of a disk goes by.
list_disks '{ disks: . }'
