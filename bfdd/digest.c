/*
 * The digests of authenticated packets (RFC 5880 sections 6.7.3 and 6.7.4).
 */
#include "bfdd/bfdd.h"

#include <md5.h>
#include <sha1.h>

void
digest(void *ctx, enum bfd_digest kind, const void *octets, size_t len, uint8_t *ret)
{
	switch (kind) {
	case BFD_DIGEST_MD5: {
		MD5_CTX md5;

		MD5Init(&md5);
		MD5Update(&md5, octets, len);
		MD5Final(ret, &md5);
		break;
	}
	case BFD_DIGEST_SHA1: {
		SHA1_CTX sha1;

		SHA1Init(&sha1);
		SHA1Update(&sha1, octets, len);
		SHA1Final(ret, &sha1);
		break;
	}
	}
}
