/**
 * Streams that have something a cut could spoil: every kind of markup, every kind of trouble.
 */
import { HEADER } from "./recorder.ts";

/** Whole streams. */
export const STREAMS: readonly string[] = [
  `${HEADER}<iq type='get' id='1' to='a@b/c'><ping xmlns='urn:xmpp:ping'/></iq></stream:stream>`,
  `\ufeff${HEADER} \n<handshake/> </stream:stream \n>`,
  ` <s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns="jabber:server" version='1.0'><s:features></s:features></s:stream>x`,
  "<stream xmlns='http://etherx.jabber.org/streams' from='a&amp;b'><iq xmlns='jabber:client' id='1'/></stream>",
  "<?xml version='1.0' encoding='utf-8' standalone=\"no\" ?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' />",
  "<?xml version='1.0' encoding='UTF-16'?><stream:stream>",
  "<stream:stream xmlns='jabber:server'>",
  "<?xml version='1.0'?><?php ?>",
  "HTTP/1.1 400 Bad Request",
];

/** What may follow HEADER. */
export const BODIES: readonly string[] = [
  "<iq type='set' id='a&#x26;b' from='x@y/z'><r:dial r:to='q'/><z:a xmlns:z='urn:xmpp:rayo:ext:1'/></iq>",
  "<presence to = \"a@b\"\tfrom\n=\n'c'  ><show  >chat</show\n></presence >",
  "<message><body>a &lt; b &amp;&#38; ]]&gt; ]] > é 漢 😀</body><x xmlns='urn:x'/>tail</message>",
  "<iq><a><![CDATA[<b>]]]]><![CDATA[>&amp;]]></a></iq>",
  "<iq id='1'/>\r\n\t <iq id='2'></iq> ",
  "<r:x a='1' b:c='2' xmlns:b='u' b:d='3'><é.b-1 ù='q'/></r:x>",
  "<iq xmlns='other'/><c:iq xmlns:c='jabber:component:accept' type='result'/>",
  "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
  "<iq><a></b></iq>",
  "<iq><a></aa></iq>",
  "<iq a='1' a='2'/>",
  "<iq a:x='1' b:x='2' xmlns:a='u' xmlns:b='u'/>",
  "<iq><q:a/></iq>",
  "<iq>&nbsp;</iq>",
  "<iq>&#0;</iq>",
  "<iq>& </iq>",
  "<iq a='&#xD800;'/>",
  "<iq>]]></iq>",
  "<iq>\u0001</iq>",
  "<iq a='\u0002'/>",
  "<iq a='<'/>",
  "<iq a=b/>",
  "<iq a/>",
  "<iq a='1'b='2'/>",
  "<iq / >",
  "<1q/>",
  "<a:b:c/>",
  "<:a/>",
  "<a:/>",
  "<iq><!-- x --></iq>",
  "<iq><!DOCTYPE x></iq>",
  "<iq><![CDAT[x]]></iq>",
  "<iq><?pi x?></iq>",
  "<!-- between -->",
  "<?xml version='1.0'?>",
  "text",
  "<iq/></stream:strea>",
  "<iq>\ufffe</iq>",
  "<iq xmlns:xml='urn:x'/>",
  "<iq xmlns:a=''/>",
  "<iq xmlns:xmlns='urn:x'/>",
  "<iq><\u00d7/></iq>",
  "<iq><a\u00d7/></iq>",
];

/** What may follow HEADER under SMALL limits. */
export const SKIPPED: readonly string[] = [
  "<iq id='1' to='a@b'><a>" + "x".repeat(300) + "</a></iq><iq id='2'/>",
  "<iq id='1'><a>" + "é&amp;".repeat(60) + "<![CDATA[]]" + "y".repeat(200) +
  "]]]></a><b c='>/'/></iq><iq id='2'/>",
  "<iq id='1'><a><a><a><a><b></a></b></a></a><a/><!-- --></iq>",
  "<iq id='1' from='x'><a><a><a><a><a z='/>'></a ></a></a></a></a></iq>\n<iq id='2'/>",
  "<iq a='1' b='2' c='3' d='4' e='5' id='1'><a/></iq><iq id='2'/>",
  "<iq id='1'><averyveryverylongname></averyveryverylongname></iq><iq id='2'/>",
  "<averyveryverylongname:iq/><iq id='2'/>",
  "<iq id='" + "1".repeat(300) + "'/><iq id='2'/>",
  "<iq>&#" + "0".repeat(80) + "65;</iq><iq id='2'/>",
  "<iq><a b='&#" + "0".repeat(80) + "65;'/></iq><iq id='2'/>",
  "<iq id='1'>" + "<a/>".repeat(100) + "</iq><iq id='2'/>",
  "<iq id='1'>" + "x".repeat(250) + "<a b='<'/></iq>",
  "<iq id='1'>" + "x".repeat(250) + "\u0001</iq>",
  "<iq id='1'>" + "x".repeat(2000) + "</iq>",
];

/** Limits that SKIPPED breaks. */
export const SMALL = {
  stanzaBytesMax: 200,
  stanzaBytesHardMax: 1000,
  depthMax: 3,
  attributesMax: 4,
  nameBytesMax: 16,
};
