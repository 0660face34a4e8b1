import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The password of the files. Parts of a file encode non-ASCII letters in two different ways. */
export const filePassword = 'grüße 42';

/** The authority of the certificate in the files, which are for localhost until 2126. */
export const fileAuthority = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUaywjUq7zIMaN3Y58DlwNGxcM/7EwCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPY2Egb2YgdGhlIGZpbGVzMCAXDTI2MTEyOTIzNDQ0M1oYDzIx
MjYxMTA1MjM0NDQzWjAaMRgwFgYDVQQDDA9jYSBvZiB0aGUgZmlsZXMwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAATl7V2lEj6yJmx7EPRtOcwY/1VCfX6luEogoQjZ
x4NEi5F0T/z+74OcGI24/aGRd5QAIphfYMnS2lfAmx5wQdD1o2MwYTAdBgNVHQ4E
FgQULnhBuJbYYKH/ibWt8XGQyH9qrjIwHwYDVR0jBBgwFoAULnhBuJbYYKH/ibWt
8XGQyH9qrjIwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwCgYIKoZI
zj0EAwIDSAAwRQIgUoRa/OaWf5z0uI3DYtvckpQMUW7z5FK5OnyyNTT5D5oCIQDd
FWTXC/SaeQ6ymFvYER0x5cXTL3FAQq0uujE1S9P1XA==
-----END CERTIFICATE-----
`;

/** The files, made by `openssl pkcs12 -export` from a certificate with its key and its authority; the last two lack the authority. */
const files = {
  /** As OpenSSL 3 makes them: PBES2 with AES. */
  aes: `MIIGLAIBAzCCBeIGCSqGSIb3DQEHAaCCBdMEggXPMIIFyzCCBIIGCSqGSIb3DQEHBqCCBHMwggRvAgEAMIIEaAYJKoZIhvcNAQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhpo+oZQsqS5gICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEOvZ9rTZS4POM3J6F9zu60CAggQAWgKll4jQlndyBMc46+ugqd8rWvEpkKVMa6E24l2toG9coqx62IpssZYFVSBaTotTmimN7Tdead/DgsDTU1JExAEvrR5X23fqJbwPV822KW7kNRtTAds8fSfTQs6VQ1aavSV3g+KcrSCcT7NSKXEyaz+z75qiVyd93atvWDaH5lzHCq2nIYzBZzyX1bpR2AqS7JCYoPOc5JzohgokHPgaArYATjnT8hhQLJB3yWaQFBWsysiZ2fCsFCMt8IPtIs9wTeGXfp7G8BVRaAuZohzb0N0w+mrDSsuyusPpbX8HZxC4jmL1+7Zm77+O/QT+UNtrQ7PWayL+rLE7uxh3r/74UisegZxCuI5roCs62EFczh7yH5OodUGIloD+xeDru2u7ZgNk7x9adRAnF+lEEqyv9tHhhadYky9p0LJQDdwd1SZRRSGC/s4nav4RNGo6dVNQJU+UN1z1C0S9csNc48gV48nvmVccu7Nj5rnpZ3+sl2rhlvEBgoydcgPc6CcB8jjUzF0ap0yK+6rNI+B2U6TNH67vbZLihte4x5wa3mMsqSVGR/N1BvuQ3cETE9aKUjza5kKFSkwlqhDWIKzIxaVqGiMkg7CviH2xIk8ZY04iZo31FL2Eb2Vmk5TvWWhodTYEHHfn5AiK0/HLwVg0pI87FUD1ouqynYc6baWw8hZSrXgyoDUubYohVg8dPEXUPCmkrz68aJU4s7PPqCnnmkjC8mc9hsAkTz7WW9+K+2rQVoNVfU8tGq/gB7A2pa5gHiTb63wbsOH728M7yBVXwgAetOI/OCR85qvLw+CfZlITm6NL/rNrECzAdaUk177qYAG1czcVQ8fo31Ym5YgulKHUY5w42V4NvIyC0K+bXNT1TWDqkUjyh0IidJ9ClR1NHpwC/+16YBHOmrhHEnhNzkpLJoMIPM5qVyKDuiWlgqZ6Eh7w05RS8Y6Rk78vbddK2FgXNtM2pRi29t8pCpkF3CgTdY5LsSudDiX3zQU6sucTHVTEt7QRIyFHO7cOxVh1RMzhOrXEvN8sD8UsqQ74oazY/uqAaFgwkmxpzMRygCdOKVDYTOabWoJ9qBdxHxvSQQVezGZNtad2x6H32X5qlHt+KOKLs2salS8r9OdbaJzRPzMcoZoELwGor1RE3bS57CC7S78mQscb8ojQyyMaSRG6hhy1/YWtTkzX1ZVSwo6ZRSsYtOqWGqAPWaioIG3RMsEjIDpjSuo7OAmYzVn/Zok9Y4UjRdurlnTaLz1Wrwc1m3YfeB70L4hkILK88wajdD9eS55W/UyrErbfjBSBGBRAqmrj9Ocfs8piiGBBOzO/N7eY6+3XfwC/WdxXT90X59fmSpyUWqnPfyQQjz2y7J1vDjCCAUEGCSqGSIb3DQEHAaCCATIEggEuMIIBKjCCASYGCyqGSIb3DQEMCgECoIHvMIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiw1uP+bb1/5AICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEOQnSOWLdKfohK4rVEz/aFsEgZBK3QDejOjLBo4U9qfGxnPeSxxmjEFXnPsHj4X25Su6juxB41YaTAfE/wIZ5vA6P/cPwcR5YY3bdVvfIOKIIFKrEd/Ym1KTNrqh0s2OBk5BterrDXh0VJsGnvtYfaoH4qurGrNSIfFHF8gyK8zBEmZ5fro95nZevOPsA0+lTaADFYJYXt88n3k0mJzbmKKDYaIxJTAjBgkqhkiG9w0BCRUxFgQU6M6851jjR1D9ncsdZ/vGfxdLr3swQTAxMA0GCWCGSAFlAwQCAQUABCBcAxokNCNFXwjDSF8EguiihOYILaiUjAQvQTl+bREoVAQIkYoN2bMmancCAggA`,
  /** As Windows makes them: Triple DES. */
  des: `MIIFogIBAzCCBWgGCSqGSIb3DQEHAaCCBVkEggVVMIIFUTCCBEcGCSqGSIb3DQEHBqCCBDgwggQ0AgEAMIIELQYJKoZIhvcNAQcBMBwGCiqGSIb3DQEMAQMwDgQIXxp9RKhC55MCAggAgIIEAD3+gjaIJYbDEx7EtTXRqYFeYMiAqjgdethxcTPRMOR+JyGWMZRTdxYxkNUnf06HzXc6va47z+B+FeYPu+j8lGc8VddelQuSN5LH5GUnRiRgoW1Tp1U4zQPpyOnUywEcqXmIwCEdmJQlouoo/q99AztBM4HLZZztqZXaF6ode3RBAzfZYM+JlrROwpDYchHZtOoqjnEsxl/tOaswGsMhvhMnQ9DY/IBTD16umeUnS7R8xAMEkb5F9UeYb0zLB9MZa8vh44mzuhklLLGWsRqT/hGQBnwkqabyJt/WrYhfnC4jNq216mRETyHRL0RxHMSLxo1SIxUYiVIwo75JfZzu5TQoQNVxFNrnhttRMih3rxEmjsdbveijOYl3bS4L37eEr/9lgNAbG8pCYtH6tSnPAuWwcsJoyuyF8fUXQSvYDtW1fEJ0bBaiSZ7g7q5mrAnTDstFGbbwE5NSBUUUrLjHZQhc1nekMgXV2XdqhCiV37cFfTPXjjWY1vU5xLKOZ9PHC49oj+0Ely1vUCHrTksC9gmITvcVF2tzKQZb3slJ4JPqdefq2QobWkWYhwR3D9VDVWD4nm9rnPh6KD9xJgJZIaLNbvYcH7ZIu0otsJIST/xg8KJ2qIm0oo8Q9pTGL1PD5WKOsK3WWE385bkj0ZVtyxyV2/Linn7bcMbwvdj98I4WiS2myeOqMgcO22YWXo12edXlSltTxCrzl6loUwH8gx7q9S8DOdvOrbj+/XVJJe85peGA3AuT6zsZN+a/cfvu7NyM3fDYQ5iAX99fw/VDb/dCqTdj60gxuM3B471XxT6SrwWBRxdwlG2yAbXAxg03vEcB95f9FvWMssQhrWAenOHzGfU6sOm7i/tFSzLrju95qtGquHfl8xFtYoS88vpSuF5sFLzzjByT+jDiEC8g04G1+UAR/xRQMEyU7mvny6EqyLP+TeTXhg/ZwkKUbzx3s99BJh2XusT+G5CIcIopAubekBOkSaa6FUcjDh5or96gqFuDDz79RuyT4jcDwX2WadBqDiuJq0Aj9f3TTOg3X0aOCidMFO51BZiV7E0Rop5Ri3gLVtH91qEvW83eLaE9VWiylCgsBpC3x6EUKURW0u5qWaqgjPXS/s3P+BEBDCwVxs+sDNbyCowGAkAj8SO15Mnj6y6UMJ9YJN8OWjTf5A+aotZZiFwlFLP8zIzaeBsjLKaJaCCI8FRS7K4P2uvIcH+cl0KMurhdClcZomvDUyOt5P+7WhVroVGYHqpwZEJ3DZpRG+xf6LVUQ77HxVDXJ7vRa5G++XPwtYnViljQs6OL2vblO8gzpGRHJT2mX9Iq03s47Ozl2bzOUKaZzD7ZBppn+AVDJxN87XZumQoRojswggECBgkqhkiG9w0BBwGggfQEgfEwge4wgesGCyqGSIb3DQEMCgECoIG0MIGxMBwGCiqGSIb3DQEMAQMwDgQIIfU2F/ulnxwCAggABIGQkiQy5AV+VIyuAqVLBqZuxBjg7+y4rMYUnPngnL2R5Y3i3j4RGL5/TY63ljQspi/0/6m8yPCR5P9caWH2ORKwSIZSAbu3WHhV+a7oOgvScAbJefDIbDamWcOc3D/Jb7UiTBSLoFEYYW/e6/N0ZcJgPyAcqf6Za/TfY18pBdhDpS3SHTuU0kdNB1TBDTugOVHLMSUwIwYJKoZIhvcNAQkVMRYEFOjOvOdY40dQ/Z3LHWf7xn8XS697MDEwITAJBgUrDgMCGgUABBRadwUmL6dwxgNs2KxAUYm6QZkCSgQI/fKDiI0FyDUCAggA`,
  /** As OpenSSL 1 and macOS make them: RC2, with `-legacy`. */
  rc2: `MIID0gIBAzCCA5gGCSqGSIb3DQEHAaCCA4kEggOFMIIDgTCCAncGCSqGSIb3DQEHBqCCAmgwggJkAgEAMIICXQYJKoZIhvcNAQcBMBwGCiqGSIb3DQEMAQYwDgQIdeWq8UygbpgCAggAgIICMO4EWXtEMAskzsPLfUXrIM0I5u5Kzc6lLex+l/DEUn5vs4NWGAoIb2Kh6Rrt1Iman7SXz4zYK9SkvlqizTRNHLqW4TBr4TQdrCQvwPeUwBmtUWSjYpGni9Plt3KwYQQR0l/u1QAP3R6lJUCDY2kyJHgCQnU9KVOHZCFydnFyWA4+DhfA8xAhAK6IyfraA1XJWJ9aDsmF8bn0/STOPc1Glx1gbP8IEp/0ko8q4GnF8H/bUwZqLmOU7+7NKAfo5s7AmfmB/IW8Aer5BRcUd8Leo6cwbzg7TjP+zCabeQPRm4tAfjQNiQn3Jubaa+BIYqQHw74l55Y4CH/DVX/zqLa6d6Bc3ELtni6WWowRr3lupyIQGg3BlRVF/ndFpyXNscyRVmPomctCxPh1Ou/MiOLqIWmKsGG9SyXQ8MkO2lGECklkxYjOt+i4vFD5jgMJ3zFGuQJCKe4F85z+tsEaUvbN9srQezhl6Z9tNijTiqoIuLYAsSbbshb/JeCui45WBSo8EVlc/6whGPvYL1Y1sa4hAEddTbGBelz3ajVfN2edNfzGWcxydXQIBExYFIwFYgl5G10akWq5d7qIOkwSVI8kzGgWjqvG6GT7ORMosFpc/BwXT/tKIPQxRmm6RnPSh42ybdqlUK1DWRBOhXIWLwDmtn/OgnYPnImzF9yE90XFomeTOPKzJvAlEyP4Nt72yO2scFwr5lxkMKegqpCATb8LUyYVFgDKpSTvupiT9au8HVB5MIIBAgYJKoZIhvcNAQcBoIH0BIHxMIHuMIHrBgsqhkiG9w0BDAoBAqCBtDCBsTAcBgoqhkiG9w0BDAEDMA4ECHizeQhxSMA1AgIIAASBkL6lxOhOJt897qVOmgyhJwdMErhnILhfJCC6Ot9i/AXccR9p69dMMB513AlwDX4zcwf5+HS9fVxPM2m9l2t9iJDyH4QgJCOfQXPTr2mbOhKQ5tYxh3nTGapDjV9SOIccpVYwxfGWLA2ACz08DO134x+3Lz+SX24N0mZyjMJa6zWooE/i5kGOXa7XO5DTHJHdLTElMCMGCSqGSIb3DQEJFTEWBBTozrznWONHUP2dyx1n+8Z/F0uvezAxMCEwCQYFKw4DAhoFAAQUmkhh9/B4iAYJh7xLkQkdaJ5xgGEECJOxcwQ5klgRAgIIAA==`,
  /** With an empty password. */
  open: `MIIEXAIBAzCCBBIGCSqGSIb3DQEHAaCCBAMEggP/MIID+zCCArIGCSqGSIb3DQEHBqCCAqMwggKfAgEAMIICmAYJKoZIhvcNAQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhh+Wqo0G3LMQICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEJVind2nTrNiTla7E8OT5+OAggIwvSFjX9AYLIOVuE9YTIldGKUr5docQ5CDVhht8Vj0gkqjObqy76EzwH+LxMBElXxhPKrigZvO12yZEXWWeqn+XYiz7za42xNfA9PKf1f6oaZsJMMGU83MS8tvrmNkwncnoOTxURjNTyLe9Y2yxJPqxToBGyvI+79zNseer2h8vde40zYUv6RJgcEVS+Yg/i+nIa8WzMLpsm8nq5vbKOs1h9M9/48mx/0vToZMtbXb7M4p5j8mElVm5IYtF/doSr17VTrq9XNH16XPD/TO0G7NRe8r283s23tkzt66M/Xpj3TIIduL4v4t37cWOd95DTibD2AdghMqz9i3RQ0gh7ugMphS472ychm/mymYjateD8OVvqtybiWDyxuttW00VFZzIs3KTvmwlT3uKe5DMOeOzIv/7awd/XQY8aF0q0vmKcx+V7s5MHcmTAs4gmqrRPZq2oyTJ2Nawl4jYVBLRYvBSGdigWeVGB0xx4peguy461t7knSYVkUFWyvKsFVWQRJNFSZTCZzxVyE/GIGjHE5JYOy5Hm2dHKfqtbMBJ7ZSpGxQGEL62sxet8zdPgpUERFHMJU2XW2MaPGnrH9InwB9LG+vLkS3Czr2R0+bHLF2z71IT6loJ9yiLGkVk/yyDpBZ6xy/RWLxeof7+EZmY13qC2ApOR4S4Kt8F77NRX4rzf+qSFq2a2Y3GTVmpMQQVEd7cqjaar9DnUNoP2VYOJWLaQEvfg5NUcV4bgoU8cTk0B0wggFBBgkqhkiG9w0BBwGgggEyBIIBLjCCASowggEmBgsqhkiG9w0BDAoBAqCB7zCB7DBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIcEm+kisHhkQCAggAMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBB71ajeGT+FDkYCou32VoPfBIGQnKWM2blzBsrDXkL5KaENHyPCix1k03kZiVAHOF2VpNLVAyMtTNqtUDItplgg0zWr/O7u8mxfjAWxImdJhMVJJM69K53ERa95xnJAl44SYU4gPjgAqVaGlg0N2dn3dSKzPgN/THFIU/12fsTXoDH3z569z0XQmyyXHx5NuFqN5uC0CF74FQ5VRb2R4VbqP6krMSUwIwYJKoZIhvcNAQkVMRYEFOjOvOdY40dQ/Z3LHWf7xn8XS697MEEwMTANBglghkgBZQMEAgEFAAQgzIojqnsPIveNA3eOMV+7DPaKjDvv9bc4J1w9/b5sU80ECNuHsJo5moA8AgIIAA==`,
};

/** Returns the bytes of a file. */
export function readPkcs12(kind: keyof typeof files): Buffer {
  return Buffer.from(files[kind], 'base64');
}

/** Writes a file and returns its path. */
export function writePkcs12(folder: string, kind: keyof typeof files): string {
  const path = join(folder, `${kind}.p12`);
  writeFileSync(path, readPkcs12(kind));
  return path;
}

/**
 * Rewrites a file as Firefox does, in BER: containers have indefinite lengths, and the octet strings that contain the
 * safes are split into pieces.
 */
export function toIndefinite(file: Buffer): Buffer {
  const [tag = 0] = file;
  const length = file[1] ?? 0;
  const start = length > 0x80 ? 2 + (length & 0x7f) : 2;
  const size = length > 0x80 ? file.readUIntBE(2, length & 0x7f) : length;
  const content = file.subarray(start, start + size);
  const end = Buffer.alloc(2);
  const rest = file.subarray(start + size);
  const others = rest.length > 0 ? toIndefinite(rest) : rest;
  if (tag === 0x04 && size > 300) {
    const pieces = [
      content.subarray(0, 100),
      content.subarray(100, 200),
      content.subarray(200, 300),
      content.subarray(300),
    ];
    const whole = pieces.map((piece) =>
      Buffer.concat([Buffer.from([0x04, 0x82, piece.length >> 8, piece.length & 0xff]), piece]),
    );
    return Buffer.concat([Buffer.from([0x24, 0x80]), ...whole, end, others]);
  }
  if ((tag & 0x20) === 0) return Buffer.concat([file.subarray(0, start + size), others]);
  return Buffer.concat([Buffer.from([tag, 0x80]), toIndefinite(content), end, others]);
}
