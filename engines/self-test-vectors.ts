import { concat, fromHex, utf8, type Bytes } from '../base/bytes.ts';
import type { AeadAlgorithm, CertificateSignatureAlgorithm, HashAlgorithm, SignatureScheme } from './contract.ts';

/** Published known answers, as few as show that a primitive is the right one and is put together rightly. */

export interface AeadVector {
  readonly key: Bytes;
  readonly nonce: Bytes;
  readonly aad: Bytes;
  readonly plaintext: Bytes;
  readonly sealed: Bytes;
  /** Tag of LONG_MESSAGE under the same key and nonce without AAD: it covers the loops for bulk, and every byte they make. */
  readonly longTag: Bytes;
}

/** Odd in length and longer than what any kernel takes at once. */
export const LONG_MESSAGE: Bytes = Uint8Array.from({ length: 2047 }, (_, i) => (i * 7) & 0xff);

const SUNSCREEN = utf8(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
);
const RFC_8439_KEY = fromHex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
const RFC_8439_AAD = fromHex('50515253c0c1c2c3c4c5c6c7');

export const AEAD_VECTORS: Readonly<Record<AeadAlgorithm, AeadVector>> = {
  // McGrew and Viega, The Galois/Counter Mode of Operation, test case 16
  AES_GCM: {
    key: fromHex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
    nonce: fromHex('cafebabefacedbaddecaf888'),
    aad: fromHex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
    plaintext: fromHex(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    ),
    sealed: fromHex(
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
        '76fc6ece0f4e1768cddf8853bb2d551b',
    ),
    longTag: fromHex('ebd2a5d2fa02cfc4362eae3538aceac1'),
  },
  // RFC 8439 §2.8.2
  CHACHA20_POLY1305: {
    key: RFC_8439_KEY,
    nonce: fromHex('070000004041424344454647'),
    aad: RFC_8439_AAD,
    plaintext: SUNSCREEN,
    sealed: fromHex(
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29' +
        '05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116' +
        '1ae10b594f09e26a7e902ecbd0600691',
    ),
    longTag: fromHex('c78423b40f7b43d5484ba1d7779d3e6d'),
  },
  // draft-irtf-cfrg-xchacha-03 A.3.1
  XCHACHA20_POLY1305: {
    key: RFC_8439_KEY,
    nonce: fromHex('404142434445464748494a4b4c4d4e4f5051525354555657'),
    aad: RFC_8439_AAD,
    plaintext: SUNSCREEN,
    sealed: fromHex(
      'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216' +
        'cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e' +
        'c0875924c1c7987947deafd8780acf49',
    ),
    longTag: fromHex('92ff4b85935810785b6a81233d7deef6'),
  },
};

/** FIPS 180-4, the message "abc". */
export const HASH_VECTORS: Readonly<Record<HashAlgorithm, Bytes>> = {
  sha256: fromHex('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
  sha384: fromHex(
    'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
  ),
  sha512: fromHex(
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ),
};

/** RFC 4231 §4.3 (test case 2). */
export const HMAC_KEY: Bytes = utf8('Jefe');
export const HMAC_MESSAGE: Bytes = utf8('what do ya want for nothing?');
export const HMAC_VECTORS: Readonly<Record<HashAlgorithm, Bytes>> = {
  sha256: fromHex('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'),
  sha384: fromHex(
    'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
  ),
  sha512: fromHex(
    '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  ),
};

/** RFC 5869 A.1. */
export const HKDF_VECTOR: Readonly<Record<'ikm' | 'salt' | 'info' | 'prk' | 'okm', Bytes>> = {
  ikm: new Uint8Array(22).fill(0x0b),
  salt: fromHex('000102030405060708090a0b0c'),
  info: fromHex('f0f1f2f3f4f5f6f7f8f9'),
  prk: fromHex('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5'),
  okm: fromHex('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'),
};

/** RFC 7748 §6.1. */
export const X25519_VECTOR: Readonly<Record<'seed' | 'share' | 'peerSeed' | 'peerShare' | 'secret', Bytes>> = {
  seed: fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'),
  share: fromHex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'),
  peerSeed: fromHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'),
  peerShare: fromHex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'),
  secret: fromHex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'),
};

/** draft-connolly-cfrg-xwing-kem-06 appendix C, first vector; of the share its SHA-256. */
export const XWING_VECTOR: Readonly<Record<'seed' | 'shareSha256' | 'answer' | 'secret', Bytes>> = {
  seed: fromHex('7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26'),
  shareSha256: fromHex('2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb'),
  secret: fromHex('d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384'),
  answer: fromBase64(
    'uDqoKNTWK5qDzv/h09O7HvMSZGQ8BwxXmJJ+QfsHkUonP4+W54Js1TdaKD19qIUwTF3gUWoPBlQkPcW5f4v+uDH2glEhmqvdcjvG' +
    'USBBrLrvivRCZVJJQrkC5o/9IyIc2nCxtV13apLRFD6joMR19j7miQFXxxFtrj9iv3L2Cs0ruMwxziug3jZPUrjtOMedcZcVljpd' +
    '04QtjotDq3BOR1m1MnvwJ8Y8j6hXxJCNWop7iKx/K+OU2Tw3Bt3U5pjMbONwEB9NAhMlQji0ouiCG25BShzyD2wSRLaZBG9aAcqg' +
    'oaVVFjALQNIEjHfMc6+6ea/uqdLAEYvfKtuIcNwyjFUWzEWxogWBQQOeLJChEKnhazGN+1O9SaEm1rc/IVeHUXuJF8wByr0QfQaF' +
    'mFTui0+YYcIm03ZMhzOasWw2Z9L0k4TlVFbdQEFLcKavhBWF9MkMaHJdV3BO6O585uL5vlgtvumF4Dj/w0br+04iFYtshDdKmrSk' +
    'Th+R3lqsUZf4m8XlRC9R+aWTexAro76uv24cWDgKSl/tzkpOUCb4j1KPWf/S20F1Kzo9kO+r5GOJm31AhwxTDIhB6HErczZo7QM6' +
    '2/r7LUnTekTUBk5YY+sK8KCNR7PMiINzvAX3ozuEG8JYfFfraVVOijdnt1BpF7a3BJhyfxbqwaNuyNjPr3UVSfInfbJ36KVamlEG' +
    'sjoCBrRyH6mzBIVSxb1bWU1uJH84wYxZGup/ViSccs57EXr8w6hiFYL5z3F4fhg97gk2eXbphAmtkhekl9+IgEI4TXcHprePX3+4' +
    'QJ47U1F1NzRht3YALXmcutYoYL5wVz7L4Tskbg2n6TpSFo4Ptql1a4le9/AUeg3IG/pkSwiKkigWDA+azxN5opQc0owG68gOROF6' +
    'ovgXcBCv14qXzgho0WKeuylMUVGBLFg9rriGhSIPTakRgRLgcEH8wk1VZKmf294ohp/gciOH16mk0W4cyFVZF+CZRKpeuqrsLPYm' +
    'k6+tQqP1GPzmfSc8xsn7VHKzgOhXPsfeBqO6L9X5MdcltJMCbLCsvT/mLQDkx5DZZdegOjwLQiK6jCqaFuKsZY9XKuDnRur8T+ug' +
    'I1dvCJQieKBB+4KnClldW6y/KXziApiYpx5cOw0cYii0hbGt5QmzX7yn7Kl7ITLny2vEZTdRRrfc6slpMIrAwqyJ54Y+uJQwFbJD' +
    'FMr7nHwOhf5UPVZljCE2Mlme+r/B7EndjIhUe7LMQMnTjL0wmbRUeEBWBTHQGIzR6cI6Dr7goD1Vd9ZrHSvLS6ryHMf+8eA4BsqW' +
    'KZ3w37xW4bK0Pk/CDDf4NMSvYhJ+fa6Gw8JaL2lqyLWJ3scdWVv76Ute1LwH2ACzMHlv2ontt3vgKUE2E5NU64zTdZFXj5xgDdm+' +
    'jsYhn91Qet8zl+1NaHB7jROyTOTNj7IoUb/p1jJAfzHtb3yxYA3lbxdXZ0DOKjL8UUUDAUXPuX5j4OQdNUJ0oHnT5vsuFQ==',
  ),
};

export interface SignatureVector {
  readonly spki: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
}

const SAMPLE = utf8('sample');
const TWENTY_ZEROS = new Uint8Array(20);

const ED25519_SPKI = fromHex(
  '302a300506032b6570032100fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
);
const P256_SPKI = fromHex(
  '3059301306072a8648ce3d020106082a8648ce3d030107034200' +
    '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
);
const P384_SPKI = fromHex(
  '3076301006072a8648ce3d020106052b81040022036200' +
    '04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc138015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720',
);
const RSA_SPKI_A = fromBase64(
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAorRRoH0KpfluRVZxUTVQUUqKW0YuvvcXCU+h/ugiJOY3+XRtP3yv0xh4' +
  '2AMltu9aFwD2WQO0aUKeidbqyIRQl7WrOTGJ25JRLtincRoSU/rNIPecFegkfz0+QuRuSMmOJUov6XZTE6A+/48X4aApOXofomqN' +
  'zib0kO2BKZYV2YFMItphBCjgnH2WWFlCZvXAIdD87KCNlFoSvoLeTR7Oa0wDFFtdNJXU7VQR64eNrwX9evw+Ca2g8RJkIvWQl1oZ' +
  'aYFvSGmLy7obTZyuedRg2Pn4Xnl1AF2bwixOWsD3waRdElaaYoB9O5oC5aUw53MGb0U9H1tMLpz3ggKD90K51QIDAQAB',
);
const RSA_SPKI_B = fromBase64(
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzab6XKdr/gSS7Ffgo7//cnLcjR4lrR+zOKoFDwLBBOYxM9a1t8SYXruu' +
  'msA2pbnAMHTWCuyOJbrzkqDEMP8FuI6UiAXT3XRRHYiFJQp7V0IVraAVxVkHZobiU8zJbAgVsSke54fMM2O0932TDrmY18WCskzq' +
  'nOId6XInkZiYY6J+vICgDeW9L5Iod15aTOsFTVjJvjagVDNpcaE2Qt2VEN1paqJo2zqrIpnV2I+OViQ00UJwlNPfjnLR72m07TTR' +
  'K6w3UiOyolzyJ/c1+BboXhcjkwR2mmCCFUzRWJn8Hq77abdIo+XtJNODcll94+TionuVHWrH2xgtaAnY/1EbfwIDAQAB',
);
const RSA_SPKI_C = fromBase64(
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwsSoYCNtPJCWoHbWulEH4Pe9geG6kW9zdXJL0rCwtjlWgTcVo0V6sEWL' +
  'cfs1pFsn+e96w+V53qRd+/0HgZ7WtwIapTNsWEQqrdlsqe6dMkc+nZJ4VitNECWK3mqY+xx8/cOzcW713sWM9zs1nziVmbS1hlqY' +
  'Y1GesAHDJDh9p1VFDbNBMJNg44B8BWW44sRPvV5ujQTQBtfudouOhDYIKpD6DoN/MvRgh6tKDZviiqfaF5TOsBcqf1DtIPbfZB77' +
  'y/0qrIl3XHYacxAJPGccl3+hiw1uAfsl96QytCxlNZeExokgVxnBz246Zdri2kNMMm3egbtv//vb9t5cFrunSQIDAQAB',
);
const RSA_SPKI_D = fromBase64(
  'MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAyadlwmYbRnTP80gOml5GKtCtL8m8b772KEezET0gmR9lOWeXHCglJ1P1' +
  '+6zOASwqirWSkU0mnvr6ck+kuSDjQJMMEG97Nvec6/DmLojg5HaIjp8OIhhqzbbEUjojK2W0/yzCLcRPilWVJ9edfNfc83cyEve7' +
  'mqEzwxFlzGY2kL8SPXOSPIOJKcyv7lnWxwlbjUp0uvLRksmk6HxOErxYATB4sop3iegunzHeH01qKqboBjK+jkvfJj6NSbCUFvsZ' +
  'xIjAetivciq3kYKyMCinHgZdAkEqnuvEbX2PTgPXkjjYwMtKl6mhIA67bsZAQuvsytlWdSbu7xLBfZTBBJyImXC5bpTMNTFyomik' +
  'nF6L7hPBWznexE8sehqjenoLb3IpCsraMrHYrx/D3IqJSHuoE0fL6xNQkl0w+SOVgQa0mVnIcefB26VdoHcuNiz4Yh14YQhouJTh' +
  'bl3+yWh0qTpM83m0fn4xjOMVBm1w7jk4FApgFI8gUIXO+KdwDKPFPVKldWpjs7FvFTBithJipoSWIQyL5O8/kCnKDqDjs6DV1tIm' +
  '7bv0Ta+PBF3Cht7TxOxNtrRTRwefM+r5jjyVtLYOee9KMJP+7FQ3A0Irp0oRhRHCGTtU/otjOGbtLHBcy8bn2dNlaAnsPTNW50AK' +
  'lkjsN1BQQePjGvHALu/pJKZwR9MCAwEAAQ==',
);

export const SIGNATURE_VECTORS: Readonly<Record<CertificateSignatureAlgorithm, SignatureVector>> = {
  // RFC 8032 §7.1, test 3
  ed25519: {
    spki: ED25519_SPKI,
    message: fromHex('af82'),
    signature: fromHex(
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ),
  },
  // RFC 6979 A.2.5 and A.2.6
  ecdsa_p256_sha256: {
    spki: P256_SPKI,
    message: SAMPLE,
    signature: fromHex(
      '3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
    ),
  },
  ecdsa_p256_sha384: {
    spki: P256_SPKI,
    message: SAMPLE,
    signature: fromHex(
      '3045022100ca1c84b1d0ad078c0ffe667645edc136034f462cee69a0fdbd8860fe1465d8130220403ad192be74fff02854c4efcd388d67c710cb2df0391295ecda96acf52e330e',
    ),
  },
  ecdsa_p256_sha512: {
    spki: P256_SPKI,
    message: SAMPLE,
    signature: fromHex(
      '3046022100962705d612647b04822c6060f31270f4b4cd703f6ba8fc1308c2a562ee600fc0022100af713dc0b1a1423422198a0edbce3b096f25c8e47d80988880ff472e579ab61f',
    ),
  },
  ecdsa_p384_sha256: {
    spki: P384_SPKI,
    message: SAMPLE,
    signature: fromHex(
      '3065023100e454a531a5674fd24dbf9503f732782c50e93ef0fd188a6fe41af1f30c9451330ff226d61e89cb0b11e62fdc501e76a402306243d35650cba065f0a4001ad0ca4ef03160665e9237815c1bb2a576150446e5622228984b84f41827db839b6be132ad',
    ),
  },
  ecdsa_p384_sha384: {
    spki: P384_SPKI,
    message: SAMPLE,
    signature: fromHex(
      '306602310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe4602310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8',
    ),
  },
  ecdsa_p384_sha512: {
    spki: P384_SPKI,
    message: SAMPLE,
    signature: fromHex(
      '306502301b583816897af65001e3cb3b39c34b6da1d1a20fda684068ca3dba4449464c79ca23154aaeff058356c82e3a3d42d417023100a3b9dc03e6df63cc551ebca6e8d63c27d7c411c8854e79947028e306e406a80727dd1e6f29be7ef0dcc1c1301e93fc06',
    ),
  },
  // Wycheproof
  rsa_pss_sha256: {
    spki: RSA_SPKI_A,
    message: TWENTY_ZEROS,
    signature: fromBase64(
      'BljGj+CJVkYFbZvKQipk/kiBO04U8MjEEi5W00W2gT3GKG/94BRhfjUcevCg0sDyhd73nLc04eBVol+m/dwcB9oXtLI1xjdBOxhJ' +
      'wkMR+nIzH0wEWMNkpJFt6GGbiE1+NyiPrRKSb8CR9IUWhqBP0KUE2849s3BmOm6mEo/qhsLKlMY+DTTX8shFtdcdml5URFH1JKRR' +
      'rLhcSbunhk4KNKSGE6gZyvPf0NUQyUDx3yHDNzkVvh81CaVX+k1aTp8nPoVGeWETPiSCwJBzhkVCKPsCRmOGFvwxu7b6fCNhuANZ' +
      'lO7GmpI/TAuwuoaW3+ixQAwjmNezQ/30mLERbI3mAg==',
    ),
  },
  rsa_pss_sha384: {
    spki: RSA_SPKI_B,
    message: TWENTY_ZEROS,
    signature: fromBase64(
      'm0VRf2FJdkUxs2LXxrYmG3f8N64Ll7w5K6J+y5u7DS25Mc1xGMhnJyAjM1WPzb+ERkWVsxsopSa/ffJYL0ADWrXhw4ljN6wg8TdW' +
      'ilLwtkvFRFMfAHkaRZPtIYK4K9cTZsv7bNwQfHn8p8Oq5nnpjnW0CyA02Tdev3ULMVOpfYKb/VqjnCkka65gHBMSOCdVA/qlMvDu' +
      'dUkrfXtbT1XXvmGfJp2Ao/60FK6x82SHsORrhw1HVvmM+lDWg0p83LI4kIIUFs8MjoL2iKqORu+OMXnl7NPPFXqMqqcLD0B0KUdG' +
      '5BuQbQzoXm8khcrLcb1juzZe7V6Rya9FiddLP5SHxg==',
    ),
  },
  rsa_pss_sha512: {
    spki: RSA_SPKI_D,
    message: TWENTY_ZEROS,
    signature: fromBase64(
      'BKIllSnliI/YcNfgUXqlsbwF4Z2kANbeG45nb0TWz/21w75AR08UOYVzC58X7vrSW+E2xOQpSga2oqHXxNa6K0MicUmmLigo2Md3' +
      'HT/dwK7zYYfjciB5SArKnxxC/DWkGTEhY1sYMvK5/bHdFQkpqFo1/xLfuGclyCwdj9ccwvXew/c3PocyiR46l45MFaTnXrSfHJm7' +
      'cyzlh9Oa1L3eYvS22//PaVIRTTvzOtWKdOPBKyIiOLUQFpMpCKqAAW+H/vRlycUS/3Cb4JPjTtRxQN80+xWk+PYp3gDDg8ZZn7Ue' +
      'D4wqtdTT+vUmp0nzQpHau/4V353rqE2IlyQ2kGA1s9Do3GqKudkALfOqEF9uOllbxm0PZMdg18FSuM27jgqa/ofDbWutY/oBf1QP' +
      '8eZ9XYneqxQTAW7CWaS8GdjCUCV2+8tJseoaqEFj6h4/i7mxWay83rI5XWUxSXiJkXwcgiRWAZ9xgY3EmLnjUXzWj07qayQ2TuZR' +
      'vb8ygqsfVeZ774+LYfdJ4ws9zrvKohUx7Mdym4yT8Dcy+BNnv1RfHVNxeqBWqqCKBDTindrXaValpkG0W5lGvHVhBvyo5244hdoV' +
      'qq4GXeupXB5QPJlv/4QA4obqOjtA4NewNlJynOo1YtipDJ6pxltN49zAEyguPajH3iGIw8TJueQhRRZSkvw=',
    ),
  },
  rsa_pkcs1_sha256: {
    spki: RSA_SPKI_A,
    message: TWENTY_ZEROS,
    signature: fromBase64(
      'ihsiDLKrQV3HYOt/W7EDNaPMomnX2799CWK6efnPe0Ol/AnJmhWE8HQDRz1sGJqDaJeltvjqn6ItYB5rpfdBH+J8Y4uBsaIjY1g6' +
      'gPzox98+QPtRvQ5g0KZlP3nzvLfsPp3BTPtbMasXNbymktUKwD+XndqSdHxkMPgEXvo1E7puDOPp41Vw4cMMjr5Ym0QZLhNEyoPf' +
      'pXb8b9x78c187odbAByMAs6NYCdp5L2dJBxIVxgqAImotnZE5z7vEFxVDvpHpAh0KJOVrAxOAv1LqY4TCkwtG5VSHGr0oAKsO9xu' +
      'UhIq5MCMw9ociW4Fmsvd7FdKwEMvYQPdlyc9iAPBAg==',
    ),
  },
  rsa_pkcs1_sha384: {
    spki: RSA_SPKI_B,
    message: TWENTY_ZEROS,
    signature: fromBase64(
      'DodCryodgumQOKmaCbwYLiExe2kABPz4+sWks5xsTG8y7gOVpCuK7jGnr3zAsCBQh7TL4Y55HB1UVPql3CINOyHkSCLTm+76XpBl' +
      'T65GIFYxxGkdPngiH0jtwU40KtQtvsz+3gdCC5NSr54KAJxJysK0Vkcy2USVRX3L0vZ/tg/XcIBjHPOLeEozc7ZswtGulxp0IlYs' +
      'LfXyR2mDJj9lWaj+1pwsdoBvhVO18fIjlnfxpKP19VoA+DkRdPq9KFJQPJ3BMLohnRRXCaTwRb9isieNHJxcLnqB9HdpsqEbGLuG' +
      'SKMuuYT/eu7ZwO4QI4huakAoEq5lUrA0GbTaJcvzuw==',
    ),
  },
  rsa_pkcs1_sha512: {
    spki: RSA_SPKI_C,
    message: TWENTY_ZEROS,
    signature: fromBase64(
      'TeTb+CYHs2pcZ3iuY1HYO371tK9kw3iIiesQ7xg4gihHzrUxkUOSNguS3uBVeW9z4824s9UJEKU33SJE/X+SJ4A1bqPwHpnlvryx' +
      'tu85jSOZvQJHKocUF9rsO75vifRfGvC/gZpEbcu7dcVpWNNLonyBIM7m/5ckKSHM9Y3pIWmV+gxJyz5tYORkEbLfOwG3j6gcoUXO' +
      'i+WU7gCQMe2mcusJe6XtZoenA7FU72FnV/lCN/QnX1RzjLWdNrIKnISuEzvXFXR5UvAiJXOpH690Dkt+tOiKuqkQBOcqFwm0AWFr' +
      'LtsnhOSR9nH89evjJrZp+sql2KD2+EaeqZXE23cvBg==',
    ),
  },
};

/** PKCS#8 of the private keys that belong to the vectors of the RFCs. RSA keys are tried when they are loaded. */
export const PRIVATE_KEYS: ReadonlyMap<SignatureScheme, Bytes> = new Map<SignatureScheme, Bytes>([
  ['ed25519', fromHex('302e020100300506032b657004220420c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7')],
  [
    'ecdsa_p256_sha256',
    fromHex(
      '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420' +
        'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    ),
  ],
  [
    'ecdsa_p384_sha384',
    fromHex(
      '304e020100301006072a8648ce3d020106052b81040022043730350201010430' +
        '6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5',
    ),
  ],
]);

function fromBase64(text: string): Bytes {
  return concat([Buffer.from(text, 'base64')]);
}
