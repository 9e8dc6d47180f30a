package io.baton.common.kv;

/** What carries KV from worker to worker. */
public enum KvLink {
    /** The best that both ends have, by the order below. */
    AUTO("auto"),
    /** Memory of one process. */
    LOOPBACK("loopback"),
    /** Device memory that processes of one user on one machine share: NVLink between devices. */
    CUDA_IPC("cuda-ipc"),
    /** Memory that processes of one user on one machine share. */
    SHM("shm"),
    /** UCX: RDMA where there are devices for it. */
    UCX("ucx"),
    /** Sockets. */
    TCP("tcp");

    private final String label;

    KvLink(String label) {
        this.label = label;
    }

    /** The name in configuration, and the scheme of the channel's URLs. */
    public String label() {
        return label;
    }
}
