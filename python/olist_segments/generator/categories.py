"""Product categories: the Portuguese name, the English name, how often they sell, what they cost and weigh."""

from __future__ import annotations

from typing import NamedTuple


class Category(NamedTuple):
    """One category: its names, its weight among items, its mean log price (BRL) and its median weight in grams."""

    name: str
    english: str
    weight: int
    log_price: float
    grams: int


CATEGORIES = tuple(
    Category(*row)
    for row in (
        ("agro_industria_e_comercio", "agro_industry_and_commerce", 21, 4.9, 1900),
        ("alimentos", "food", 51, 3.7, 500),
        ("alimentos_bebidas", "food_drink", 28, 3.8, 500),
        ("artes", "art", 21, 4.2, 1200),
        ("artes_e_artesanato", "arts_and_craftmanship", 2, 3.9, 600),
        ("artigos_de_festas", "party_supplies", 4, 4.0, 800),
        ("artigos_de_natal", "christmas_supplies", 15, 3.6, 600),
        ("audio", "audio", 36, 4.4, 350),
        ("automotivo", "auto", 424, 4.4, 800),
        ("bebes", "baby", 307, 4.4, 700),
        ("bebidas", "drinks", 38, 3.8, 900),
        ("beleza_saude", "health_beauty", 967, 4.4, 450),
        ("brinquedos", "toys", 412, 4.4, 850),
        ("cama_mesa_banho", "bed_bath_table", 1112, 4.3, 1300),
        ("casa_conforto", "home_confort", 43, 4.6, 1800),
        ("casa_conforto_2", "home_comfort_2", 3, 3.3, 700),
        ("casa_construcao", "home_construction", 60, 4.4, 800),
        ("cds_dvds_musicais", "cds_dvds_musicals", 1, 3.8, 500),
        ("cine_foto", "cine_photo", 7, 4.2, 600),
        ("climatizacao", "air_conditioning", 30, 4.8, 3200),
        ("consoles_games", "consoles_games", 114, 4.2, 250),
        ("construcao_ferramentas_construcao", "construction_tools_construction", 93, 4.6, 2300),
        ("construcao_ferramentas_ferramentas", "costruction_tools_tools", 10, 4.5, 900),
        ("construcao_ferramentas_iluminacao", "construction_tools_lights", 30, 4.5, 1200),
        ("construcao_ferramentas_jardim", "costruction_tools_garden", 24, 4.2, 2500),
        ("construcao_ferramentas_seguranca", "construction_tools_safety", 19, 4.6, 350),
        ("cool_stuff", "cool_stuff", 380, 4.7, 1200),
        ("dvds_blu_ray", "dvds_blu_ray", 6, 4.2, 900),
        ("eletrodomesticos", "home_appliances", 77, 4.0, 600),
        ("eletrodomesticos_2", "home_appliances_2", 24, 5.8, 7300),
        ("eletronicos", "electronics", 277, 3.5, 180),
        ("eletroportateis", "small_appliances", 68, 5.0, 1800),
        ("esporte_lazer", "sports_leisure", 864, 4.3, 800),
        ("fashion_bolsas_e_acessorios", "fashion_bags_accessories", 203, 4.0, 200),
        ("fashion_calcados", "fashion_shoes", 26, 4.1, 500),
        ("fashion_esporte", "fashion_sport", 3, 4.1, 300),
        ("fashion_roupa_feminina", "fashio_female_clothing", 5, 4.1, 450),
        ("fashion_roupa_infanto_juvenil", "fashion_childrens_clothes", 1, 4.1, 350),
        ("fashion_roupa_masculina", "fashion_male_clothing", 13, 4.2, 500),
        ("fashion_underwear_e_moda_praia", "fashion_underwear_beach", 13, 4.0, 200),
        ("ferramentas_jardim", "garden_tools", 435, 4.3, 1600),
        ("flores", "flowers", 3, 3.5, 600),
        ("fraldas_higiene", "diapers_and_hygiene", 4, 3.6, 600),
        ("industria_comercio_e_negocios", "industry_commerce_and_business", 27, 4.4, 2500),
        ("informatica_acessorios", "computers_accessories", 783, 4.3, 300),
        ("instrumentos_musicais", "musical_instruments", 68, 4.7, 800),
        ("la_cuisine", "la_cuisine", 1, 4.6, 2400),
        ("livros_importados", "books_imported", 6, 4.0, 500),
        ("livros_interesse_geral", "books_general_interest", 55, 4.1, 500),
        ("livros_tecnicos", "books_technical", 27, 4.0, 650),
        ("malas_acessorios", "luggage_accessories", 109, 4.6, 1400),
        ("market_place", "market_place", 31, 4.3, 850),
        ("moveis_colchao_e_estofado", "furniture_mattress_and_upholstery", 4, 4.7, 2500),
        ("moveis_cozinha_area_de_servico_jantar_e_jardim", "kitchen_dining_laundry_garden_furniture", 28, 4.6, 9000),
        ("moveis_decoracao", "furniture_decor", 833, 4.2, 1400),
        ("moveis_escritorio", "office_furniture", 169, 4.9, 9700),
        ("moveis_quarto", "furniture_bedroom", 11, 4.6, 8300),
        ("moveis_sala", "furniture_living_room", 50, 4.6, 9500),
        ("musica", "music", 4, 4.5, 600),
        ("papelaria", "stationery", 252, 4.2, 700),
        ("pcs", "computers", 20, 6.8, 11000),
        ("perfumaria", "perfumery", 342, 4.4, 400),
        ("pet_shop", "pet_shop", 195, 4.3, 900),
        ("portateis_casa_forno_e_cafe", "small_appliances_home_oven_and_coffee", 8, 6.0, 4900),
        ("relogios_presentes", "watches_gifts", 599, 4.8, 350),
        ("seguros_e_servicos", "security_and_services", 1, 4.9, 400),
        ("sinalizacao_e_seguranca", "signaling_and_security", 20, 4.2, 500),
        ("tablets_impressao_imagem", "tablets_printing_image", 8, 4.3, 400),
        ("telefonia", "telephony", 455, 3.7, 200),
        ("telefonia_fixa", "fixed_telephony", 26, 4.5, 500),
        ("utilidades_domesticas", "housewares", 697, 4.1, 1200),
    )
)
