/*
 * mishap - dies at a named point, so that tests see what is found afterwards. Not in what runs in production.
 *
 * WAYBILL_TEST_DIE_AT=<point>:<n> ends this process as kill -9 does, the n-th time that it passes the point, from 1.
 */
#ifndef WAYBILL_MISHAP_H
#define WAYBILL_MISHAP_H

enum mishap_point {
    MISHAP_BEFORE_COMMIT, /* of a unit of work */
    MISHAP_AFTER_COMMIT,  /* before anybody is told */
    MISHAP_AFTER_PUBLISH, /* the broker has acknowledged events, and they are not moved yet */
    MISHAP_BEFORE_CALL,   /* of a task that has been taken */
    MISHAP_AFTER_CALL,    /* and what came of it is not written yet */
    MISHAP_POINTS,
};

#ifdef WAYBILL_TEST_SWITCHES

void mishap(enum mishap_point point);

#else

static inline void mishap(enum mishap_point point)
{
    (void)point;
}

#endif

#endif
