"""Cities of Brazil: where they lie, their range of five-digit postal prefixes, their weight inside the state.

Coordinates are degrees of the city centre, ranges follow the national postal plan, weights are rough shares of the
state's orders in per mille.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple


class City(NamedTuple):
    """One city: accented lower-case name, place in degrees, first and last prefix, weight in its state."""

    state: str
    name: str
    latitude: float
    longitude: float
    first_prefix: int
    last_prefix: int
    weight: int

    @property
    def plain_name(self) -> str:
        """The name without accents, which is how customers and sellers carry it."""
        return "".join(c for c in unicodedata.normalize("NFD", self.name) if not unicodedata.combining(c))


_ROWS = """
SP|são paulo|-23.55|-46.63|1001|5899|373
SP|guarulhos|-23.46|-46.53|7010|7299|28
SP|campinas|-22.91|-47.06|13010|13148|35
SP|são bernardo do campo|-23.69|-46.56|9600|9899|23
SP|santo andré|-23.66|-46.53|9010|9299|19
SP|osasco|-23.53|-46.79|6010|6298|18
SP|santos|-23.96|-46.33|11010|11095|17
SP|são josé dos campos|-23.18|-45.88|12209|12248|17
SP|sorocaba|-23.50|-47.46|18010|18109|16
SP|jundiaí|-23.19|-46.88|13201|13219|14
SP|ribeirão preto|-21.18|-47.81|14010|14109|13
SP|mogi das cruzes|-23.52|-46.19|8710|8899|11
SP|são josé do rio preto|-20.82|-49.38|15010|15104|11
SP|piracicaba|-22.73|-47.65|13400|13439|9
SP|barueri|-23.51|-46.88|6401|6499|10
SP|taboão da serra|-23.61|-46.76|6753|6799|8
SP|são caetano do sul|-23.62|-46.55|9510|9590|8
SP|diadema|-23.69|-46.62|9910|9998|8
SP|mauá|-23.67|-46.46|9310|9399|8
SP|carapicuíba|-23.52|-46.84|6310|6396|7
SP|taubaté|-23.03|-45.56|12010|12119|7
SP|praia grande|-24.01|-46.40|11700|11729|8
SP|são vicente|-23.96|-46.39|11310|11399|8
SP|guarujá|-23.99|-46.26|11410|11499|7
SP|bauru|-22.31|-49.06|17010|17119|8
SP|limeira|-22.56|-47.40|13480|13489|6
SP|americana|-22.74|-47.33|13465|13479|6
SP|indaiatuba|-23.09|-47.22|13330|13349|7
SP|são carlos|-22.02|-47.89|13560|13579|7
SP|araraquara|-21.79|-48.18|14800|14811|6
SP|franca|-20.54|-47.40|14400|14414|6
SP|presidente prudente|-22.13|-51.39|19010|19109|6
SP|marília|-22.21|-49.95|17500|17539|5
SP|araçatuba|-21.21|-50.43|16010|16129|5
SP|cotia|-23.60|-46.92|6700|6729|7
SP|suzano|-23.54|-46.31|8610|8699|7
SP|itaquaquecetuba|-23.49|-46.35|8570|8599|6
SP|jacareí|-23.30|-45.97|12300|12349|5
SP|itu|-23.26|-47.30|13300|13314|4
SP|atibaia|-23.12|-46.55|12940|12959|4
SP|bragança paulista|-22.95|-46.54|12900|12929|4
SP|botucatu|-22.89|-48.44|18600|18619|4
SP|catanduva|-21.14|-48.97|15800|15819|3
SP|barretos|-20.56|-48.57|14780|14789|3
SP|itapetininga|-23.59|-48.05|18200|18219|3
SP|ourinhos|-22.98|-49.87|19900|19919|3
SP|assis|-22.66|-50.41|19800|19819|3
SP|registro|-24.49|-47.84|11900|11909|2
SP|ibitinga|-21.76|-48.83|14940|14949|4
SP|caraguatatuba|-23.62|-45.41|11660|11679|4
SP|votuporanga|-20.42|-49.97|15500|15509|3
SP|dracena|-21.48|-51.53|17900|17909|2
SP|guaratinguetá|-22.81|-45.19|12500|12529|4
SP|rio claro|-22.41|-47.56|13500|13509|4
SP|sertãozinho|-21.14|-47.99|14160|14179|3
SP|avaré|-23.10|-48.93|18700|18709|3
SP|valinhos|-22.97|-47.00|13270|13279|5
SP|são roque|-23.53|-47.14|18130|18139|3
RJ|rio de janeiro|-22.91|-43.30|20010|23799|530
RJ|niterói|-22.90|-43.10|24020|24399|66
RJ|são gonçalo|-22.83|-43.05|24400|24799|36
RJ|nova iguaçu|-22.76|-43.45|26010|26299|34
RJ|duque de caxias|-22.79|-43.31|25010|25299|33
RJ|campos dos goytacazes|-21.75|-41.33|28010|28159|20
RJ|volta redonda|-22.52|-44.10|27210|27299|19
RJ|petrópolis|-22.51|-43.18|25600|25779|19
RJ|macaé|-22.38|-41.78|27910|27979|18
RJ|cabo frio|-22.88|-42.02|28900|28929|17
RJ|teresópolis|-22.41|-42.97|25950|25999|13
RJ|nova friburgo|-22.28|-42.53|28600|28639|14
RJ|belford roxo|-22.76|-43.40|26100|26199|15
RJ|são joão de meriti|-22.80|-43.37|25510|25599|16
RJ|maricá|-22.92|-42.82|24900|24939|14
RJ|angra dos reis|-23.01|-44.32|23900|23969|13
RJ|resende|-22.47|-44.45|27500|27549|12
RJ|itaboraí|-22.75|-42.86|24800|24899|12
RJ|três rios|-22.12|-43.21|25800|25829|8
RJ|itaperuna|-21.21|-41.89|28300|28309|8
MG|belo horizonte|-19.92|-43.94|30110|31989|240
MG|juiz de fora|-21.76|-43.35|36010|36109|37
MG|contagem|-19.93|-44.05|32010|32399|37
MG|uberlândia|-18.92|-48.28|38400|38419|33
MG|betim|-19.97|-44.20|32510|32699|18
MG|uberaba|-19.75|-47.93|38010|38109|18
MG|montes claros|-16.73|-43.86|39400|39419|16
MG|ipatinga|-19.47|-42.54|35160|35164|13
MG|governador valadares|-18.85|-41.95|35010|35109|14
MG|divinópolis|-20.14|-44.88|35500|35509|12
MG|sete lagoas|-19.47|-44.25|35700|35709|14
MG|poços de caldas|-21.79|-46.56|37700|37719|13
MG|varginha|-21.55|-45.43|37002|37109|11
MG|pouso alegre|-22.23|-45.94|37550|37559|13
MG|patos de minas|-18.58|-46.52|38700|38709|9
MG|teófilo otoni|-17.86|-41.51|39800|39809|8
MG|barbacena|-21.23|-43.77|36200|36209|9
MG|lavras|-21.25|-45.00|37200|37209|8
MG|itajubá|-22.43|-45.45|37500|37509|9
MG|viçosa|-20.75|-42.88|36570|36579|9
MG|passos|-20.72|-46.61|37900|37909|7
MG|ouro preto|-20.39|-43.50|35400|35419|8
MG|araxá|-19.59|-46.94|38180|38189|7
MG|ubá|-21.12|-42.94|36500|36509|7
MG|manhuaçu|-20.26|-42.03|36900|36909|7
MG|são joão del rei|-21.14|-44.26|36300|36309|7
MG|paracatu|-17.22|-46.87|38600|38609|6
MG|nova lima|-19.98|-43.85|34000|34019|13
RS|porto alegre|-30.03|-51.21|90010|91799|256
RS|caxias do sul|-29.17|-51.18|95010|95129|48
RS|pelotas|-31.77|-52.34|96010|96099|38
RS|canoas|-29.92|-51.18|92010|92449|36
RS|santa maria|-29.69|-53.81|97010|97119|38
RS|novo hamburgo|-29.69|-51.13|93310|93599|36
RS|passo fundo|-28.26|-52.41|99010|99109|26
RS|gravataí|-29.94|-50.99|94010|94199|25
RS|são leopoldo|-29.76|-51.15|93010|93169|27
RS|viamão|-30.08|-51.02|94410|94799|20
RS|rio grande|-32.04|-52.10|96200|96229|22
RS|bento gonçalves|-29.17|-51.52|95700|95709|16
RS|santa cruz do sul|-29.72|-52.43|96810|96849|16
RS|uruguaiana|-29.76|-57.09|97500|97519|10
RS|bagé|-31.33|-54.11|96400|96429|9
RS|erechim|-27.63|-52.27|99700|99709|12
RS|ijuí|-28.39|-53.91|98700|98709|10
RS|lajeado|-29.47|-51.96|95900|95919|11
PR|curitiba|-25.43|-49.27|80010|82999|303
PR|londrina|-23.31|-51.16|86010|86109|63
PR|maringá|-23.42|-51.94|87010|87109|50
PR|ponta grossa|-25.10|-50.16|84010|84124|35
PR|cascavel|-24.96|-53.46|85801|85829|34
PR|são josé dos pinhais|-25.53|-49.21|83005|83199|33
PR|foz do iguaçu|-25.54|-54.59|85851|85879|26
PR|colombo|-25.29|-49.22|83401|83417|17
PR|guarapuava|-25.39|-51.46|85010|85119|17
PR|paranaguá|-25.52|-48.51|83203|83255|16
PR|toledo|-24.72|-53.74|85900|85929|15
PR|apucarana|-23.55|-51.46|86800|86819|11
PR|umuarama|-23.77|-53.32|87501|87519|12
PR|campo mourão|-24.05|-52.38|87300|87319|11
PR|pato branco|-26.23|-52.67|85501|85514|11
PR|araucária|-25.59|-49.41|83701|83719|13
SC|florianópolis|-27.60|-48.55|88010|88099|157
SC|joinville|-26.30|-48.85|89201|89239|110
SC|blumenau|-26.92|-49.07|89010|89099|68
SC|são josé|-27.61|-48.63|88101|88123|55
SC|balneário camboriú|-26.99|-48.63|88330|88339|46
SC|itajaí|-26.91|-48.66|88301|88319|42
SC|criciúma|-28.68|-49.37|88801|88819|36
SC|chapecó|-27.10|-52.62|89801|89816|34
SC|jaraguá do sul|-26.49|-49.07|89251|89269|30
SC|palhoça|-27.65|-48.67|88130|88139|30
SC|lages|-27.82|-50.33|88501|88539|21
SC|brusque|-27.10|-48.92|88350|88359|23
SC|tubarão|-28.47|-49.01|88701|88709|18
SC|rio do sul|-27.21|-49.64|89160|89169|13
BA|salvador|-12.97|-38.48|40010|41949|368
BA|feira de santana|-12.27|-38.97|44001|44119|55
BA|vitória da conquista|-14.86|-40.84|45000|45099|38
BA|lauro de freitas|-12.89|-38.33|42700|42739|38
BA|itabuna|-14.79|-39.28|45600|45619|24
BA|camaçari|-12.70|-38.32|42800|42849|27
BA|ilhéus|-14.79|-39.05|45650|45669|22
BA|juazeiro|-9.43|-40.50|48900|48909|16
BA|barreiras|-12.15|-45.00|47800|47819|20
BA|porto seguro|-16.45|-39.07|45810|45819|19
BA|jequié|-13.86|-40.08|45200|45219|14
BA|teixeira de freitas|-17.54|-39.74|45985|45999|16
BA|alagoinhas|-12.14|-38.42|48000|48109|14
DF|brasília|-15.80|-47.90|70040|72799|1000
ES|vitória|-20.32|-40.32|29010|29099|174
ES|vila velha|-20.35|-40.30|29100|29129|186
ES|serra|-20.13|-40.30|29160|29184|130
ES|cariacica|-20.26|-40.42|29140|29159|72
ES|cachoeiro de itapemirim|-20.85|-41.11|29300|29326|44
ES|linhares|-19.39|-40.07|29900|29919|46
ES|colatina|-19.54|-40.63|29700|29719|32
ES|guarapari|-20.66|-40.50|29200|29229|40
ES|são mateus|-18.72|-39.86|29930|29949|26
GO|goiânia|-16.68|-49.26|74003|74899|343
GO|aparecida de goiânia|-16.82|-49.25|74900|74999|66
GO|anápolis|-16.33|-48.95|75001|75149|58
GO|rio verde|-17.80|-50.92|75900|75919|24
GO|luziânia|-16.25|-47.95|72800|72859|26
GO|catalão|-18.17|-47.95|75700|75719|18
GO|jataí|-17.88|-51.71|75800|75813|17
GO|itumbiara|-18.42|-49.22|75500|75539|16
GO|caldas novas|-17.74|-48.63|75680|75699|17
GO|formosa|-15.54|-47.33|73801|73819|17
PE|recife|-8.05|-34.90|50010|52291|371
PE|jaboatão dos guararapes|-8.11|-35.01|54010|54599|85
PE|olinda|-8.01|-34.86|53010|53439|60
PE|caruaru|-8.28|-35.97|55000|55109|46
PE|petrolina|-9.39|-40.50|56300|56354|44
PE|paulista|-7.94|-34.87|53401|53449|34
PE|garanhuns|-8.89|-36.49|55290|55309|24
PE|serra talhada|-7.99|-38.29|56900|56919|15
CE|fortaleza|-3.73|-38.52|60010|61599|489
CE|caucaia|-3.74|-38.66|61600|61699|38
CE|juazeiro do norte|-7.21|-39.32|63010|63059|37
CE|sobral|-3.69|-40.35|62010|62119|34
CE|maracanaú|-3.88|-38.63|61900|61939|27
CE|crato|-7.23|-39.41|63100|63139|20
CE|iguatu|-6.36|-39.30|63500|63519|16
PA|belém|-1.45|-48.48|66010|66899|456
PA|ananindeua|-1.37|-48.37|67010|67199|78
PA|santarém|-2.44|-54.71|68005|68109|46
PA|marabá|-5.37|-49.12|68500|68513|42
PA|parauapebas|-6.07|-49.90|68515|68519|42
PA|castanhal|-1.29|-47.93|68740|68749|30
PA|altamira|-3.20|-52.21|68370|68379|22
MT|cuiabá|-15.60|-56.10|78005|78109|306
MT|várzea grande|-15.65|-56.13|78110|78169|76
MT|rondonópolis|-16.47|-54.64|78700|78749|76
MT|sinop|-11.86|-55.51|78550|78559|60
MT|sorriso|-12.55|-55.71|78890|78899|34
MT|tangará da serra|-14.62|-57.49|78300|78309|32
MT|barra do garças|-15.89|-52.26|78600|78609|26
MA|são luís|-2.53|-44.30|65010|65099|468
MA|imperatriz|-5.53|-47.48|65900|65919|118
MA|caxias|-4.86|-43.36|65600|65619|26
MA|balsas|-7.53|-46.04|65800|65809|26
MA|timon|-5.09|-42.84|65630|65639|26
MA|açailândia|-4.95|-47.50|65930|65934|22
MS|campo grande|-20.44|-54.65|79002|79129|496
MS|dourados|-22.22|-54.81|79800|79849|110
MS|três lagoas|-20.75|-51.68|79600|79649|66
MS|corumbá|-19.01|-57.65|79300|79369|36
MS|ponta porã|-22.54|-55.73|79900|79909|28
PB|joão pessoa|-7.12|-34.86|58010|58109|452
PB|campina grande|-7.23|-35.88|58400|58449|156
PB|patos|-7.02|-37.28|58700|58709|42
PB|cabedelo|-6.98|-34.83|58310|58319|36
PB|sousa|-6.76|-38.23|58800|58814|28
PI|teresina|-5.09|-42.80|64001|64099|552
PI|parnaíba|-2.90|-41.78|64200|64219|66
PI|picos|-7.08|-41.47|64600|64609|46
PI|floriano|-6.77|-43.02|64800|64809|32
RN|natal|-5.79|-35.21|59010|59139|488
RN|mossoró|-5.19|-37.34|59600|59649|106
RN|parnamirim|-5.92|-35.26|59140|59161|96
RN|caicó|-6.46|-37.10|59300|59309|28
AL|maceió|-9.65|-35.71|57010|57099|600
AL|arapiraca|-9.75|-36.66|57300|57319|76
AL|penedo|-10.29|-36.58|57200|57209|22
AL|palmeira dos índios|-9.41|-36.63|57600|57609|22
SE|aracaju|-10.91|-37.07|49010|49099|600
SE|lagarto|-10.92|-37.65|49400|49409|36
SE|itabaiana|-10.69|-37.43|49500|49511|38
SE|estância|-11.27|-37.44|49200|49209|28
TO|palmas|-10.18|-48.33|77001|77269|430
TO|araguaína|-7.19|-48.21|77800|77834|150
TO|gurupi|-11.73|-49.07|77400|77459|72
RO|porto velho|-8.76|-63.90|76801|76834|380
RO|ji-paraná|-10.88|-61.95|76900|76914|110
RO|vilhena|-12.74|-60.15|76980|76989|80
RO|cacoal|-11.44|-61.45|76960|76969|70
AM|manaus|-3.10|-60.02|69005|69099|960
AM|parintins|-2.63|-56.74|69151|69154|20
AC|rio branco|-9.97|-67.81|69900|69925|870
AC|cruzeiro do sul|-7.63|-72.67|69980|69982|60
AP|macapá|0.03|-51.06|68900|68914|850
AP|santana|-0.05|-51.18|68925|68929|100
RR|boa vista|2.82|-60.67|69301|69319|960
"""


def _parse(line: str) -> City:
    state, name, latitude, longitude, first, last, weight = line.split("|")
    return City(state, name, float(latitude), float(longitude), int(first), int(last), int(weight))


CITIES = tuple(_parse(line) for line in _ROWS.strip().splitlines())
