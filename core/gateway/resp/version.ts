/** The Redis version whose behaviour this gateway follows; clients choose their features by it. */
export const redisVersion = '7.4.0';
