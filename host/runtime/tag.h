/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tag - the CBOR tags that moult writes, in one place.
 *
 * Both are in the range that is handed out first come, first served (RFC 8949, section
 * 9.2), spelt in letters so that they are told apart in a dump and unlikely to be
 * anybody else's.  They stand round byte strings, whose numbers are big endian as
 * everywhere in CBOR.
 *
 *   tag                    content
 *   ---------------------  ------------------------------------------------
 *   TAG_PID   "mpid"       8 bytes: the bits of a moult_pid
 *   TAG_FROM  "mfrm"       24 bytes: caller, callee, ref of a moult_from
 */
#ifndef MOULT_TAG_H
#define MOULT_TAG_H

#define TAG_PID  0x6d706964u
#define TAG_FROM 0x6d66726du

/* Tags of RFC 8949 that say how bytes are shown in JSON, and negative big numbers. */
#define TAG_NEGATIVE  3u
#define TAG_BASE64URL 21u
#define TAG_BASE64    22u
#define TAG_BASE16    23u

#endif
