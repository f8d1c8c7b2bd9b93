import type { RequestHandler } from 'express';

/**
 * Who asks, decided before any route: a middleware for each way of `admin.auth`. `none` trusts whoever reaches the
 * listener; the guard has kept strangers' pages away. RackHD's clients send `Authorization` and `X-Auth-Token` all the
 * same, even the word `None`: both are ignored.
 */
export const authNone: RequestHandler = (_request, _response, next) => {
  next();
};
