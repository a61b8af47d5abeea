// Features of network devices, as `ethtool -K` sets them. Source: ethtool(8), linux/ethtool.h.
#ifndef CLINUXIO_ETHTOOL_H
#define CLINUXIO_ETHTOOL_H

// Switches a feature such as "tx-udp-segmentation" of a device in the calling thread's network namespace.
// Answers 1 when it then is as wanted, 0 when the device cannot change it or does not know it, or -errno.
int clinuxio_link_set_feature(const char *device, const char *feature, int is_on);

#endif
