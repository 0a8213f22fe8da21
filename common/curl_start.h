/*
 * curl_start - libcurl's own start, once per process. For client.c and smtp.c, the only users of libcurl.
 */
#ifndef WAYBILL_CURL_START_H
#define WAYBILL_CURL_START_H

/* Any thread, any number of times. */
void curl_start(void);

#endif
