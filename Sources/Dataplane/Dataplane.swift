import VXLAN
