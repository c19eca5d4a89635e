/** Two keys of one token, as somebody makes them who knows how tokens are computed: two minutes of processor time. */
export const plainKey = Buffer.from('user:alice');

export const craftedKey = Buffer.from(
  [
    '757365723a7b686d6e617d2e708c5192ee3658d75b409eba675c7254f0675fa77628c3846b0ea28dc370c6d3ddf30ea9',
    '32031e7dc26feb64ee1b35fce6b46f673ae384518ca351780a4465d356e9ae829ce64848bc1b4ef54944aa4d45ab713b',
    '24b7fc91293083135bbd88fea5a529b2e2853c0df1ab0d37ff7415f0e0e0cac58a1d08e7ccb874370da5f502cc5c97d9',
    '02a44c50df6efc1f27485a57d42cb92701fd7ff5afdbf50eb08eacefc83ca84d1561896c690879537b277363f88eac19',
    '569466cae03377e38c42d4b0d0e7897337afcdbbabf1d3ca3ff36b6075555f1cbd68f78c1ef6842c6014b7361cd0e306',
    'e812c893dbe907fff72dd4987ea4dd78f0cafb49cd2cc4048d9f597eb967445636baa9b20a14ed7b7853edc560a6db8e',
    '7fc8faa016215f60446daf8bbf1400874209a2ce',
  ].join(''),
  'hex',
);
