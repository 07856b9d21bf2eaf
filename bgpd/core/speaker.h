/* The sans-IO BGP speaker; contract follows. */
#ifndef BGPD_CORE_SPEAKER_H
#define BGPD_CORE_SPEAKER_H
#endif
