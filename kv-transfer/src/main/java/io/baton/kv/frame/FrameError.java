package io.baton.kv.frame;

/**
 * Why bytes are not an acceptable frame. After any of these the stream cannot be trusted and the
 * channel ends.
 */
public enum FrameError {
    /** The stream does not start with the magic number. */
    BAD_MAGIC,
    /** Another format version. */
    BAD_VERSION,
    /** Another header length. */
    BAD_HEADER_LENGTH,
    /** A type this version does not know. */
    UNKNOWN_TYPE,
    /** A known type that may not come now or from this side. */
    UNEXPECTED_TYPE,
    /** A flag, reserved or unused field is not zero. */
    NOT_ZERO,
    /** Payload negative, longer than its type allows, or not what the part needs. */
    PAYLOAD_LENGTH,
    /** Layers outside the negotiated layout. */
    LAYER_RANGE,
    /** Tokens that are not whole blocks of one chunk. */
    TOKEN_RANGE,
    /** Raw length does not follow from the shape. */
    RAW_LENGTH,
    /** Fragment index or count cannot be. */
    FRAGMENT,
    /** A codec, level, profile or form that was not agreed on. */
    CODEC,
    /** Header and payload do not have their checksum. */
    CHECKSUM
}
